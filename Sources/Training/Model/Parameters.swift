import CKernels
import Common
import SelMix

/// The values of a layout's tensors: weights, a gradient, or optimiser state. Shared by reference; whoever writes to one
/// owns it at that time.
public struct Parameters: Sendable {
    public let layout: ParameterLayout
    public let buffer: AlignedBuffer

    /// All zero.
    public init(layout: ParameterLayout) {
        self.layout = layout
        buffer = AlignedBuffer(byteCount: layout.count * 4, zeroed: true)
    }

    init(layout: ParameterLayout, buffer: AlignedBuffer) {
        (self.layout, self.buffer) = (layout, buffer)
    }

    /// Undefined values in memory of a pool; the padding is zero.
    public init(layout: ParameterLayout, from pool: BufferPool) {
        self.init(layout: layout, buffer: pool.buffer(byteCount: layout.count * 4))
        for entry in layout.entries {
            let end = entry.offset + entry.count
            (floats + end).update(repeating: 0, count: (end + 15) / 16 * 16 - end)
        }
    }

    public var floats: UnsafeMutablePointer<Float> { buffer.pointer.assumingMemoryBound(to: Float.self) }

    /// One tensor's values.
    public subscript(name: String) -> UnsafeMutableBufferPointer<Float> { values(of: layout[name]) }

    public func values(of entry: ParameterLayout.Entry) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: floats + entry.offset, count: entry.count)
    }

    /// XXH3 over the whole buffer.
    public var digest: UInt64 { smx_hash(buffer.pointer, buffer.byteCount, 0) }

    /// XXH3 of each tensor, in hexadecimal digits.
    public var digests: [String: String] {
        Dictionary(
            uniqueKeysWithValues: layout.entries.map { entry in
                let digest = smx_hash(floats + entry.offset, entry.count * 4, 0)
                return (entry.name, String(digest, radix: 16))
            })
    }

    public var isFinite: Bool { smx_all_finite(floats, layout.count) }

    public func add(_ other: Parameters) { smx_add(other.floats, floats, layout.count) }

    public func copy() -> Parameters {
        let copy = Parameters(layout: layout)
        copy.buffer.pointer.copyMemory(from: buffer.pointer, byteCount: buffer.byteCount)
        return copy
    }
}

extension [Parameters] {
    /// The mean of the heads, summed in their order; a lone head itself.
    public var mean: Parameters {
        guard count > 1 else { return self[0] }
        let mean = self[0].copy()
        for head in dropFirst() { mean.add(head) }
        let share = 1 / Float(count)
        for index in 0..<mean.layout.count { mean.floats[index] *= share }
        return mean
    }

    /// That of all the heads together.
    public var digest: UInt64 { Self.digest(ofHeads: map(\.digest)) }

    /// XXH3 over the digests of the heads; that of a lone head is its own.
    public static func digest(ofHeads digests: [UInt64]) -> UInt64 {
        guard digests.count > 1 else { return digests[0] }
        return digests.map(\.littleEndian).withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) }
    }
}

extension Parameters {
    /// A linear head from its two tensors, or from one: without a bias none is trained.
    public init(weight: StoredTensor, bias: StoredTensor?) throws {
        guard weight.shape.count == 2, weight.shape[0] >= 2, weight.shape[1] >= 1 else {
            throw SelMixError(
                .invalidInput, "head.weight \(weight.source) has shape \(weight.shape)",
                hint: "it must be [K, d] with at least two classes, as torch.nn.Linear stores it")
        }
        if let bias, bias.shape != [weight.shape[0]] {
            throw SelMixError(
                .invalidInput, "head.bias \(bias.source) has shape \(bias.shape), head.weight \(weight.shape)",
                hint: "the bias must be [\(weight.shape[0])]")
        }
        self.init(
            layout: .linearHead(classes: weight.shape[0], dimension: weight.shape[1], hasBias: bias != nil))
        for (name, tensor) in [("weight", weight), ("bias", bias)] {
            guard let tensor else { continue }
            _ = self[name].update(fromContentsOf: try tensor.floatArray())
        }
        guard isFinite else {
            throw SelMixError(
                .invalidInput, "the head \(weight.source) holds values that are not finite",
                hint: "look at the training that made it")
        }
    }

    /// The weight of a linear head, [K, d].
    public var headWeight: Matrix<Float> {
        let shape = layout["weight"].shape
        return Matrix(rows: shape[0], columns: shape[1], values: Array(self["weight"]))
    }

    /// The bias of a linear head, [K].
    public var headBias: [Float] { Array(self["bias"]) }
}
