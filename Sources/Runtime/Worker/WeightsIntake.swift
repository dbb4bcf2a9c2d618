import Common
import Coordination
import Messaging
import SelMix
import Training

/// New weights that arrive slice by slice, until the message that completes them.
struct WeightsIntake {
    private struct Begun {
        let version: WeightsVersion
        let values: PackedParameters
        var next = 0
        var digest: UInt64 = 0
    }

    private var begun: Begun?
    private let layout: ParameterLayout
    private let pool = BufferPool(keeping: 4)

    init(layout: ParameterLayout) { self.layout = layout }

    /// Copies the next slice; the first begins new weights. Anything else is dropped, and the weights with it: the
    /// coordinator sends them again when they are missed.
    ///
    /// - Returns: the weights so far, of which the slices up to this one are there; nil for a slice that was dropped.
    @discardableResult
    mutating func add(
        _ index: Int, of version: WeightsVersion, _ tensors: [TensorFrame]
    ) -> PackedParameters? {
        guard let precision = tensors.first?.precision, tensors.count == 1, layout.slices.indices.contains(index),
            layout.matches(layout.slices[index], tensors[0], precision)
        else { return nil }
        if index == 0 { begin(version, precision) }
        guard var slices = begun, slices.version == version, slices.next == index,
            slices.values.precision == precision
        else { return nil }
        copy(tensors[0], to: slices.values.pointer(at: layout.slices[index].offset))
        slices.digest = tensors[0].digest(after: slices.digest)
        slices.next += 1
        begun = slices
        return slices.values
    }

    /// The weights, if all slices came and everything has the announced digest.
    mutating func complete(
        _ version: WeightsVersion, _ digest: Digest, _ tensors: [TensorFrame]
    ) -> PackedParameters? {
        guard let precision = tensors.first?.precision, layout.matchesWhole(tensors, precision) else { return nil }
        if layout.slices.isEmpty { begin(version, precision) }
        guard let slices = begun, slices.version == version, slices.next == layout.slices.count,
            slices.values.precision == precision,
            tensors.reduce(slices.digest, { $1.digest(after: $0) }) == digest.rawValue
        else { return nil }
        for (frame, index) in zip(tensors, layout.whole) {
            copy(frame, to: slices.values.pointer(at: layout.entries[index].offset))
        }
        begun = nil
        return slices.values
    }

    private mutating func begin(_ version: WeightsVersion, _ precision: Precision) {
        begun = Begun(
            version: version, values: PackedParameters(layout: layout, precision: precision, from: pool))
    }

    private func copy(_ frame: TensorFrame, to destination: UnsafeMutableRawPointer) {
        guard let start = frame.bytes.baseAddress else { return }
        destination.copyMemory(from: start, byteCount: frame.bytes.count)
    }
}

extension TensorFrame {
    /// As which weights this can be; nil for other types.
    fileprivate var precision: Precision? { Precision.allCases.first { $0.wireType == type } }
}
