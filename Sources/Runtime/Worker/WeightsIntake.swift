import Common
import Coordination
import Messaging
import SelMix
import Training

/// New weights that arrive part by part, until the message that completes them.
///
/// Weights are the heads of the run. What arrives brings those that differ from the version before, or all of them to a worker
/// that has none. The coordinator sends slices of a head, in order; or pieces of them come in any order from the workers of a
/// group. The same may come both ways.
struct WeightsIntake {
    /// A head so far, and the slices of it that are there now, in order from the first, and were not before.
    struct Arrived {
        let version: WeightsVersion
        let head: Int
        let values: PackedParameters
        let slices: Range<Int>
    }

    private struct Begun {
        let values: PackedParameters
        /// The digests of the pieces that are there.
        var digests: [UInt64?]
        /// Slices from the first on without a gap.
        var ready = 0
    }

    private var begun: (version: WeightsVersion, heads: [Int: Begun])?
    /// The last that were completed.
    private var last: (version: WeightsVersion, heads: [PackedParameters], digests: [Digest])?
    private let layout: ParameterLayout
    private let turns: FoldTurns
    private let pool: BufferPool

    /// - Parameter heads: F.
    init(layout: ParameterLayout, heads: Int = 1) {
        self.layout = layout
        turns = FoldTurns(heads: heads)
        pool = BufferPool(keeping: 3 + heads)
    }

    /// Takes a slice of a head. A slice of newer weights begins these; one that differs from what is there begins the head
    /// anew, as one of the two is damaged.
    ///
    /// - Returns: nil for what is dropped: it does not fit, belongs to earlier weights, or brings nothing new.
    @discardableResult
    mutating func add(
        slice: Int, of version: WeightsVersion, head: Int = 0, _ tensors: [TensorFrame]
    ) -> Arrived? {
        guard layout.slices.indices.contains(slice), (0..<turns.heads).contains(head),
            let frame = fitting(tensors, layout.slices[slice])
        else { return nil }
        return add(
            frame, at: layout.slices[slice].offset, layout.piecesOfSlice[slice], layout.digests(of: slice, frame),
            of: version, head: head)
    }

    /// Takes a piece of a slice of the head that the step before these weights trained.
    @discardableResult
    mutating func add(piece: Int, of version: WeightsVersion, _ tensors: [TensorFrame]) -> Arrived? {
        guard layout.pieces.indices.contains(piece), let head = head(madeFor: version),
            let frame = fitting(tensors, layout.pieces[piece])
        else { return nil }
        return add(
            frame, at: layout.pieces[piece].offset, piece..<piece + 1, [frame.digest], of: version, head: head)
    }

    /// The head that differs from the version before; nil for the first weights.
    private func head(madeFor version: WeightsVersion) -> Int? {
        version.rawValue > 0 ? turns.head(of: StepIndex(version.rawValue - 1)) : nil
    }

    private func fitting(_ tensors: [TensorFrame], _ place: ParameterLayout.Slice) -> TensorFrame? {
        guard tensors.count == 1, let precision = tensors[0].precision, layout.matches(place, tensors[0], precision)
        else { return nil }
        return tensors[0]
    }

    private mutating func add(
        _ frame: TensorFrame, at offset: Int, _ pieces: Range<Int>, _ found: [UInt64], of version: WeightsVersion,
        head: Int
    ) -> Arrived? {
        guard let precision = frame.precision, last.map({ $0.version < version }) ?? true else { return nil }
        if let begun, version < begun.version { return nil }
        if begun?.version != version { begun = (version, [:]) }
        if let before = begun?.heads[head], before.values.precision == precision {
            let known = before.digests[pieces]
            if zip(known, found).allSatisfy({ $0 == $1 }) { return nil }
            if zip(known, found).contains(where: { $0 != nil && $0 != $1 }) { begin(head, precision) }
        } else {
            begin(head, precision)
        }
        guard var made = begun?.heads[head] else { return nil }
        copy(frame, to: made.values.pointer(at: offset))
        made.digests.replaceSubrange(pieces, with: found)
        let before = made.ready
        while made.ready < layout.slices.count,
            made.digests[layout.piecesOfSlice[made.ready]].allSatisfy({ $0 != nil })
        { made.ready += 1 }
        begun?.heads[head] = made
        return Arrived(version: version, head: head, values: made.values, slices: before..<made.ready)
    }

    /// Whether all pieces of these weights that other workers pass on are there.
    func isFull(_ version: WeightsVersion) -> Bool {
        if last?.version == version { return true }
        guard let begun, begun.version == version, let head = head(madeFor: version) else { return false }
        return begun.heads[head]?.ready == layout.slices.count
    }

    /// The weights, all heads of them, if what was announced came and has the announced digest.
    ///
    /// - Parameters:
    ///   - tensors: those that are not sliced, head by head.
    ///   - earlier: the version that these weights follow, which has to be the one that is held; nil if they are whole.
    mutating func complete(
        _ version: WeightsVersion, _ digest: Digest, _ tensors: [TensorFrame], after earlier: WeightsVersion? = nil
    ) -> [PackedParameters]? {
        let included = turns.trained(after: earlier, upTo: version)
        if let last, last.version == version {
            return Digest.ofHeads(included.map { last.digests[$0] }) == digest ? last.heads : nil
        }
        guard earlier == nil || earlier == last?.version, !included.isEmpty,
            tensors.count == included.count * layout.whole.count
        else { return nil }
        let whole = included.indices.map {
            Array(tensors[$0 * layout.whole.count..<($0 + 1) * layout.whole.count])
        }
        guard zip(included, whole).allSatisfy({ fits($1) }) else { return nil }
        if layout.slices.isEmpty {
            begun = (version, [:])
            for (head, tensors) in zip(included, whole) { begin(head, tensors[0].precision!) }
        }
        guard let slices = begun, slices.version == version, included.allSatisfy({ slices.heads[$0] != nil }) else {
            return nil
        }
        begun = nil
        var digests = last?.digests ?? Array(repeating: Digest(rawValue: 0), count: turns.heads)
        for (head, tensors) in zip(included, whole) {
            let made = slices.heads[head]!
            let ofPieces = made.digests.compactMap { $0 }
            guard ofPieces.count == layout.pieces.count, tensors[0].precision == made.values.precision else {
                return nil
            }
            digests[head] = Digest(rawValue: (ofPieces + tensors.map(\.digest)).combined)
        }
        guard Digest.ofHeads(included.map { digests[$0] }) == digest else { return nil }
        var heads = last?.heads ?? included.map { slices.heads[$0]!.values }
        for (head, tensors) in zip(included, whole) {
            let values = slices.heads[head]!.values
            for (frame, index) in zip(tensors, layout.whole) {
                copy(frame, to: values.pointer(at: layout.entries[index].offset))
            }
            heads[head] = values
        }
        last = (version, heads, digests)
        return heads
    }

    private func fits(_ whole: [TensorFrame]) -> Bool {
        guard let precision = whole.first?.precision else { return false }
        return layout.matchesWhole(whole, precision)
    }

    private mutating func begin(_ head: Int, _ precision: Precision) {
        begun?.heads[head] = Begun(
            values: PackedParameters(layout: layout, precision: precision, from: pool),
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
