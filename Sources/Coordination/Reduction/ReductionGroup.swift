import Common

/// The workers that sum a step's gradient among themselves: each sums some pieces of it for all, and passes those pieces of
/// the new weights on to all.
///
/// So what goes in and out at the coordinator does not grow with the number of workers. Whoever sums only sums: weights,
/// optimiser and every decision stay with the coordinator, and the bytes are the same, as the tree is.
public struct ReductionGroup: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public let life: Incarnation
        /// Where it takes parts of the gradient.
        public let address: String

        public init(life: Incarnation, address: String) {
            self.life = life
            self.address = address
        }
    }

    /// At least two.
    public let members: [Member]

    public init(members: [Member]) { self.members = members }

    /// Who sums a piece.
    public func reducer(of piece: Int) -> Member { members[piece % members.count] }

    public func contains(_ life: Incarnation) -> Bool { members.contains { $0.life == life } }
}

/// From one worker to another.
public enum PeerMessage: Hashable, Sendable {
    /// A piece of a node's gradient, for whoever sums that piece.
    case part(GradientPart)
    /// A piece of new weights, passed on.
    case weightsPiece(WeightsVersion, index: Int)
}

public struct GradientPart: Hashable, Sendable {
    public let step: StepIndex
    public let node: TreeNode
    /// Of the piece.
    public let index: Int

    public init(step: StepIndex, node: TreeNode, index: Int) {
        (self.step, self.node, self.index) = (step, node, index)
    }
}

/// A piece of a step's gradient, summed over all shards by one worker; the values travel beside it.
public struct PieceSum: Hashable, Sendable {
    public let step: StepIndex
    public let index: Int
    /// What it was summed from. It counts if these are what the contributions announce.
    public let parts: [TreeNode: Digest]
    /// Of its bytes.
    public let digest: Digest

    public init(step: StepIndex, index: Int, parts: [TreeNode: Digest], digest: Digest) {
        (self.step, self.index, self.parts, self.digest) = (step, index, parts, digest)
    }
}
