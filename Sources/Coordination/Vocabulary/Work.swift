import Common

/// What the whole cluster works on at one time; all V logical shards take part in each.
public enum Work: Hashable, Sendable, CustomStringConvertible {
    /// Confusion counts and class feature sums of the validation split, under the weights that start this round.
    case validate(RoundIndex)
    /// Gradients of one optimiser step.
    case train(StepIndex)

    public var description: String {
        switch self {
        case .validate(let round): "validation of round \(round)"
        case .train(let step): "step \(step)"
        }
    }
}

/// A part of some work, given to one worker.
public struct Assignment: Hashable, Sendable {
    /// Counts the assignments of one coordinator, from 1; a repeated sending keeps its number.
    public let number: UInt64
    public let work: Work
    /// The weights to work with.
    public let weights: WeightsVersion
    /// The selection that the plan was drawn from; zero while validating, which needs none.
    public let selection: Digest
    /// Ascending.
    public let shards: [ShardID]
    /// Validation: the class feature sums are wanted too. They are the same in every round while features are frozen, so
    /// they travel once.
    public let featureSums: Bool
    /// Each shard is contributed by itself, so that it can be traced; otherwise the largest nodes are.
    public let eachShard: Bool
    /// Those who sum the pieces of the gradient; nil: the coordinator does.
    public let group: ReductionGroup?

    public init(
        number: UInt64, work: Work, weights: WeightsVersion, selection: Digest, shards: [ShardID],
        featureSums: Bool = false, eachShard: Bool = false, group: ReductionGroup? = nil
    ) {
        self.eachShard = eachShard
        self.group = group
        self.number = number
        self.work = work
        self.weights = weights
        self.selection = selection
        self.shards = shards
        self.featureSums = featureSums
    }

    /// The same, answered to the coordinator alone.
    public var toCoordinator: Assignment {
        Assignment(
            number: number, work: work, weights: weights, selection: selection, shards: shards,
            featureSums: featureSums, eachShard: eachShard)
    }

    /// The tree nodes that the worker answers with, one contribution each.
    public func nodes(shards total: Int) -> [TreeNode] {
        eachShard ? shards.map { TreeNode.leaf($0) } : TreeNode.maximalNodes(of: shards, total: total)
    }
}

/// Some rows of the gradient of a contribution, sent as soon as they are computed so that they can be summed while the rest
/// is not. Nothing is decided by it: what counts is the contribution that follows, whose digest covers its slices.
public struct ContributionSlice: Hashable, Sendable {
    public let assignment: UInt64
    public let node: TreeNode
    /// Slices of a contribution come in order, from 0.
    public let index: Int

    public init(assignment: UInt64, node: TreeNode, index: Int) {
        (self.assignment, self.node, self.index) = (assignment, node, index)
    }
}

/// One worker's sum over one subtree of logical shards; the tensors travel beside it.
public struct Contribution: Sendable {
    public let assignment: UInt64
    public let work: Work
    public let weights: WeightsVersion
    public let selection: Digest
    public let node: TreeNode
    /// Of the digests of all tensors, slices first.
    public let digest: Digest
    /// Of each piece of the slices, where these went to the workers of a group; otherwise none.
    public let pieces: [Digest]
    /// Sum over the node's slots of the loss, already divided by the batch; 0 while validating.
    public let loss: Double

    public init(
        assignment: UInt64, work: Work, weights: WeightsVersion, selection: Digest, node: TreeNode, digest: Digest,
        pieces: [Digest] = [], loss: Double
    ) {
        self.pieces = pieces
        self.assignment = assignment
        self.work = work
        self.weights = weights
        self.selection = selection
        self.node = node
        self.digest = digest
        self.loss = loss
    }

    /// What it is the answer to: one node of one assignment.
    public struct Key: Hashable, Sendable {
        public let assignment: UInt64
        public let node: TreeNode
    }

    public var key: Key { Key(assignment: assignment, node: node) }

    /// The same, as it is handed in with its slices.
    public var toCoordinator: Contribution {
        Contribution(
            assignment: assignment, work: work, weights: weights, selection: selection, node: node, digest: digest,
            loss: loss)
    }
}

extension Contribution: Equatable {
    /// Bit by bit, so that a loss that is no number equals itself. It is no key of anything: that is what ``key`` is for.
    public static func == (a: Self, b: Self) -> Bool {
        a.key == b.key && a.work == b.work && a.weights == b.weights && a.selection == b.selection
            && a.digest == b.digest && a.pieces == b.pieces && a.loss.bitPattern == b.loss.bitPattern
    }
}
