import CKernels
import Common

/// Rows of features that are equal, value by value: what a head has trained on must not judge it under another row number.
public struct RowTwins: Sendable, Equatable {
    /// A validation row, and another row that equals it.
    public struct Pair: Sendable, Equatable {
        public let row: Int
        public let other: Int

        public init(row: Int, other: Int) { (self.row, self.other) = (row, other) }
    }

    /// Validation rows that equal an earlier one, with the first that they equal.
    public let withinValidation: [Pair]
    /// Training samples (`other`) that equal a validation row, the first of its equals.
    public let withTraining: [Pair]

    public static let none = RowTwins(withinValidation: [], withTraining: [])

    public init(withinValidation: [Pair], withTraining: [Pair]) {
        (self.withinValidation, self.withTraining) = (withinValidation, withTraining)
    }

    /// Reads both splits once.
    public init(validation: StoredTensor, train: StoredTensor) {
        var buffers = (
            [Float](repeating: 0, count: validation.shape[1]), [Float](repeating: 0, count: validation.shape[1])
        )
        /// Validation rows by the digest of their values; all of them, as two that differ may share a digest.
        var known: [UInt64: [Int]] = [:]
        func twin(of row: Int, in source: StoredTensor) -> (first: Int?, digest: UInt64) {
            source.floats(row: row, into: &buffers.0)
            let digest = buffers.0.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) }
            let first = known[digest]?.first { candidate in
                validation.floats(row: candidate, into: &buffers.1)
                return buffers.0.withUnsafeBytes { one in
                    buffers.1.withUnsafeBytes { other in one.elementsEqual(other) }
                }
            }
            return (first, digest)
        }
        var withinValidation: [Pair] = []
        for row in 0..<validation.shape[0] {
            let (first, digest) = twin(of: row, in: validation)
            if let first {
                withinValidation.append(Pair(row: row, other: first))
            } else {
                known[digest, default: []].append(row)
            }
        }
        var withTraining: [Pair] = []
        for sample in 0..<train.shape[0] {
            if let row = twin(of: sample, in: train).first { withTraining.append(Pair(row: row, other: sample)) }
        }
        self.init(withinValidation: withinValidation, withTraining: withTraining)
    }
}

extension StoredTensor {
    fileprivate func floats(row: Int, into values: inout [Float]) {
        values.withUnsafeMutableBufferPointer { floats(row: row, into: $0.baseAddress!) }
    }
}
