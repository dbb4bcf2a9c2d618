import CKernels
import Common

// Tensors that are features: one row a sample.

extension StoredTensor {
    /// - Parameters:
    ///   - dimension: d, as the head has it.
    ///   - role: what the features are in the job file, for messages: "train".
    public func checkFeatures(dimension: Int, role: String) throws {
        guard shape.count == 2 else {
            throw SelMixError(
                .invalidInput, "data.\(role): features \(source) have shape \(shape)",
                hint: "features are one row a sample: shape [N, d]")
        }
        guard [.float32, .float16, .bfloat16].contains(dataType) else {
            throw SelMixError(
                .invalidInput, "data.\(role): features \(source) are \(dataType.rawValue)",
                hint: "convert them to float32, float16 or bfloat16")
        }
        guard shape[1] == dimension else {
            throw SelMixError(
                .invalidInput,
                "data.\(role): features \(source) have dimension \(shape[1]), the head \(dimension)",
                hint: "features and head must come from the same network")
        }
        guard shape[0] > 0 else {
            throw SelMixError(.invalidInput, "data.\(role): features \(source) have no rows")
        }
    }

    /// The sum of the squared norms of about 1000 rows, spread evenly, and how many they are.
    public func squaredNorms() -> (sum: Double, rows: Int) {
        var row = [Float](repeating: 0, count: shape[1])
        let rows = Array(stride(from: 0, to: shape[0], by: max(1, shape[0] / 1000)))
        let sum = rows.reduce(0.0) { total, index in
            row.withUnsafeMutableBufferPointer { floats(row: index, into: $0.baseAddress!) }
            return total + row.reduce(0.0) { $0 + Double($1) * Double($1) }
        }
        return (sum, rows.count)
    }

    /// Reads all features once and refuses NaNs and infinities, which would silently poison every weight.
    ///
    /// - Returns: the largest of them.
    @discardableResult
    public func checkFinite(role: String) throws -> LargestFeature {
        var largest = LargestFeature(magnitude: 0, row: 0, source: source)
        let (rows, dimension) = (64, shape[1])
        var buffer = [Float](repeating: 0, count: rows * dimension)
        for first in stride(from: 0, to: shape[0], by: rows) {
            let chunk = first..<min(first + rows, shape[0])
            buffer.withUnsafeMutableBufferPointer { floats(rows: chunk, into: $0.baseAddress!) }
            let magnitude = Float(bitPattern: smx_largest_magnitude(buffer, chunk.count * dimension))
            if magnitude.isFinite {
                guard magnitude > largest.magnitude else { continue }
                let place = buffer.firstIndex { $0.magnitude == magnitude } ?? 0
                largest = LargestFeature(magnitude: magnitude, row: first + place / dimension, source: source)
                continue
            }
            for (offset, row) in chunk.enumerated() {
                let values = buffer[offset * dimension..<(offset + 1) * dimension]
                guard let column = values.firstIndex(where: { !$0.isFinite }) else { continue }
                throw SelMixError(
                    .invalidInput,
                    "data.\(role): features \(source) hold \(values[column]) in row \(row), column "
                        + "\(column - offset * dimension)",
                    hint: "features must be finite: look at the network that made them")
            }
        }
        return largest
    }
}

/// The feature of the largest magnitude, and where it stands.
public struct LargestFeature: Sendable {
    public let magnitude: Float
    public let row: Int
    public let source: String

    /// "1e+21 in row 7 of data.safetensors#train.features".
    public var told: String { "\(magnitude) in row \(row) of \(source)" }
}
