import Common

/// What a worker has been given of the pieces that it sums for its group.
///
/// Parts of a step may come before the worker has heard of that step. Those of an earlier one are of no use any more.
public struct PartIntake<Tensor: Sendable>: Sendable {
    private let root: TreeNode
    private var step: StepIndex?
    /// By piece.
    private var parts: [Int: [TreeNode: Tensor]] = [:]
    private var summed: Set<Int> = []

    public init(shards: Int) { root = .root(shards: shards) }

    /// Takes a part. A second copy of it is ignored: copies are the same, or else the contributions tell.
    ///
    /// - Parameter last: the last step of which there can be parts by now, so that nobody makes those that are wanted look
    ///   old; nil while that is not known.
    /// - Returns: the parts that make up the piece, once, when this was the last of them.
    public mutating func add(
        _ part: GradientPart, _ tensor: Tensor, upTo last: StepIndex? = nil
    ) -> [TreeNode: Tensor]? {
        if let last {
            guard part.step <= last else { return nil }
            if let step, step > last { self.step = nil }
        }
        if step.map({ $0 < part.step }) ?? true {
            (step, parts, summed) = (part.step, [:], [])
        }
        guard step == part.step, !summed.contains(part.index), part.node.isNode(ofTreeOver: root.upper),
            parts[part.index]?[part.node] == nil
        else { return nil }
        parts[part.index, default: [:]][part.node] = tensor
        guard let cover = root.cover(by: parts[part.index]!) else { return nil }
        parts[part.index] = nil
        summed.insert(part.index)
        return cover
    }
}
