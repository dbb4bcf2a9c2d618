import Common
import Coordination
import Messaging
import SelMix
import Training

/// New weights that arrive part by part, until the message that completes them.
///
/// The coordinator sends slices, in order; or pieces of them come in any order from the workers of a group. The same may come
/// both ways.
struct WeightsIntake {
    /// The weights so far, and the slices that are there now, in order from the first, and were not before.
    struct Arrived {
        let values: PackedParameters
        let slices: Range<Int>
    }

    private struct Begun {
        let version: WeightsVersion
        let values: PackedParameters
        /// Of the pieces that are there.
        var digests: [UInt64?]
        /// Slices from the first on without a gap.
        var ready = 0
    }

    private var begun: Begun?
    /// The last that were completed.
    private var last: (version: WeightsVersion, digest: Digest, values: PackedParameters)?
    private let layout: ParameterLayout
    private let pool = BufferPool(keeping: 4)

    init(layout: ParameterLayout) { self.layout = layout }

    /// Takes a slice. What is of newer weights begins these; what differs from what is there begins anew, as one of the two is
    /// damaged.
    ///
    /// - Returns: nil for what is dropped: it does not fit, belongs to earlier weights, or brings nothing new.
    @discardableResult
    mutating func add(slice: Int, of version: WeightsVersion, _ tensors: [TensorFrame]) -> Arrived? {
        guard layout.slices.indices.contains(slice), let frame = fitting(tensors, layout.slices[slice]) else {
            return nil
        }
        return add(
            frame, at: layout.slices[slice].offset, layout.piecesOfSlice[slice], layout.digests(of: slice, frame),
            of: version)
    }

    /// Takes a piece of a slice.
    @discardableResult
    mutating func add(piece: Int, of version: WeightsVersion, _ tensors: [TensorFrame]) -> Arrived? {
        guard layout.pieces.indices.contains(piece), let frame = fitting(tensors, layout.pieces[piece]) else {
            return nil
        }
        return add(frame, at: layout.pieces[piece].offset, piece..<piece + 1, [frame.digest], of: version)
    }

    private func fitting(_ tensors: [TensorFrame], _ place: ParameterLayout.Slice) -> TensorFrame? {
        guard tensors.count == 1, let precision = tensors[0].precision, layout.matches(place, tensors[0], precision)
        else { return nil }
        return tensors[0]
    }

    private mutating func add(
        _ frame: TensorFrame, at offset: Int, _ pieces: Range<Int>, _ found: [UInt64], of version: WeightsVersion
    ) -> Arrived? {
        guard let precision = frame.precision, last.map({ $0.version < version }) ?? true else { return nil }
        if let begun, begun.version == version, begun.values.precision == precision {
            let known = begun.digests[pieces]
            if zip(known, found).allSatisfy({ $0 == $1 }) { return nil }
            if zip(known, found).contains(where: { $0 != nil && $0 != $1 }) { begin(version, precision) }
        } else {
            if let begun, version < begun.version { return nil }
            begin(version, precision)
        }
        guard var made = begun else { return nil }
        copy(frame, to: made.values.pointer(at: offset))
        made.digests.replaceSubrange(pieces, with: found)
        let before = made.ready
        while made.ready < layout.slices.count,
            made.digests[layout.piecesOfSlice[made.ready]].allSatisfy({ $0 != nil })
        { made.ready += 1 }
        begun = made
        return Arrived(values: made.values, slices: before..<made.ready)
    }

    /// Whether all slices of these weights are there.
    func isFull(_ version: WeightsVersion) -> Bool {
        last?.version == version || (begun?.version == version && begun?.ready == layout.slices.count)
    }

    /// The weights, if all slices came and everything has the announced digest.
    mutating func complete(
        _ version: WeightsVersion, _ digest: Digest, _ tensors: [TensorFrame]
    ) -> PackedParameters? {
        if let last, last.version == version, last.digest == digest { return last.values }
        guard let precision = tensors.first?.precision, layout.matchesWhole(tensors, precision) else { return nil }
        if layout.slices.isEmpty { begin(version, precision) }
        guard let slices = begun, slices.version == version else { return nil }
        begun = nil
        let digests = slices.digests.compactMap { $0 }
        guard digests.count == layout.pieces.count, slices.values.precision == precision,
            (digests + tensors.map(\.digest)).combined == digest.rawValue
        else { return nil }
        for (frame, index) in zip(tensors, layout.whole) {
            copy(frame, to: slices.values.pointer(at: layout.entries[index].offset))
        }
        last = (version, digest, slices.values)
        return slices.values
    }

    private mutating func begin(_ version: WeightsVersion, _ precision: Precision) {
        begun = Begun(
            version: version, values: PackedParameters(layout: layout, precision: precision, from: pool),
            digests: Array(repeating: nil, count: layout.pieces.count))
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
