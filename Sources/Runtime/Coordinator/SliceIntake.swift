import Common
import Coordination
import Messaging
import SelMix
import Training

/// Slices of gradients whose contributions have not arrived yet. Nothing here counts; it is what a contribution, once it
/// counts, is put together from.
struct SliceIntake {
    /// Whose slices: those of one contribution.
    struct Key: Hashable, Sendable {
        var incarnation: Incarnation
        var assignment: UInt64
        var node: TreeNode
    }

    /// One sending of them: a worker that is asked again computes and sends them again.
    struct Origin: Hashable, Sendable {
        var key: Key
        var sending = 0
    }

    /// In order from the first, with the digests of their pieces.
    struct Received: Sendable {
        var origin: Origin
        var frames: [TensorFrame] = []
        var digests: [UInt64] = []
    }

    private(set) var received: [Key: Received] = [:]

    /// Takes the next slice of a contribution. The first begins anew: the worker computes the assignment again.
    ///
    /// - Throws: ``SelMixError`` when it is not the next, or not what the layout says.
    mutating func add(
        _ slice: ContributionSlice, _ tensors: [TensorFrame], from incarnation: Incarnation, layout: ParameterLayout,
        _ type: Precision
    ) throws {
        let key = Key(incarnation: incarnation, assignment: slice.assignment, node: slice.node)
        if slice.index == 0 {
            let sending = received[key].map { $0.origin.sending + 1 } ?? 0
            received[key] = Received(origin: Origin(key: key, sending: sending))
        }
        guard var before = received[key], slice.index == before.frames.count else {
            throw SelMixError(.cluster, "slice \(slice.index) without the ones before it")
        }
        guard layout.slices.indices.contains(slice.index), tensors.count == 1,
            layout.matches(layout.slices[slice.index], tensors[0], type)
        else { throw SelMixError(.cluster, "a slice of another shape") }
        received[key] = nil
        before.digests += layout.digests(of: slice.index, tensors[0])
        before.frames.append(tensors[0].aligned)
        received[key] = before
    }

    /// All tensors of a contribution, if they have the announced digest.
    func gradient(
        of contribution: Contribution, _ key: Key, _ tensors: [TensorFrame], layout: ParameterLayout,
        _ type: Precision
    ) throws -> (origin: Origin, frames: GradientFrames) {
        let sliced = received[key] ?? Received(origin: Origin(key: key))
        if !contribution.pieces.isEmpty {
            return (sliced.origin, try Self.whole(of: contribution, tensors, layout: layout, type))
        }
        guard sliced.frames.count == layout.slices.count, layout.matchesWhole(tensors, type) else {
            throw SelMixError(.cluster, "tensors of another shape")
        }
        try Self.check(contribution, slices: sliced.digests, tensors)
        return (sliced.origin, GradientFrames(slices: sliced.frames, whole: tensors.map(\.aligned)))
    }

    /// What comes here of a contribution whose slices a group of workers sums.
    private static func whole(
        of contribution: Contribution, _ tensors: [TensorFrame], layout: ParameterLayout, _ type: Precision
    ) throws -> GradientFrames {
        guard contribution.pieces.count == layout.pieces.count, layout.matchesWhole(tensors, type) else {
            throw SelMixError(.cluster, "tensors of another shape")
        }
        try check(contribution, slices: contribution.pieces.map(\.rawValue), tensors)
        return GradientFrames(whole: tensors.map(\.aligned))
    }

    private static func check(_ contribution: Contribution, slices: [UInt64], _ tensors: [TensorFrame]) throws {
        guard (slices + tensors.map(\.digest)).combined == contribution.digest.rawValue else {
            throw SelMixError(.cluster, "tensors that do not have the announced digest")
        }
    }

    /// Contributions that have begun to arrive and that make up the whole batch; nil while some shards are missing.
    func cover(shards: Int) -> [TreeNode: Origin]? {
        let begun = Dictionary(received.map { ($0.key.node, $0.value.origin) }) {
            $0.key.assignment < $1.key.assignment ? $0 : $1
        }
        return TreeNode.root(shards: shards).cover(by: begun)
    }

    mutating func remove(_ keys: some Sequence<Key>) { for key in keys { received[key] = nil } }
    mutating func removeAll() { received.removeAll() }
}
