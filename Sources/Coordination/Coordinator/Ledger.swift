import Common

/// Lets each logical shard count exactly once in one piece of work.
///
/// It knows which tree nodes have been counted, with digest and giver. Counted nodes never overlap, so the work is
/// complete when they cover all shards, and the root can then be summed from them. The ledger keeps digests, never tensors.
public struct Ledger: Sendable {
    struct Entry: Sendable {
        let node: TreeNode
        let digest: Digest
        let giver: Incarnation
    }

    public let shards: Int
    /// Disjoint, in order of arrival.
    private(set) var entries: [Entry] = []
    private var covered: [Bool]

    public init(shards: Int) {
        self.shards = shards
        covered = [Bool](repeating: false, count: shards)
    }

    public var isComplete: Bool { covered.allSatisfy { $0 } }
    public var missing: [ShardID] { covered.indices.filter { !covered[$0] }.map { ShardID($0) } }

    func entry(of node: TreeNode) -> Entry? { entries.first { $0.node == node } }

    public enum Outcome: Equatable, Sendable {
        case counted
        /// The same node with the same digest: a second copy, as retries and re-dealt shards make them.
        case duplicate
        /// The same node with another digest: one of the two workers computed it wrongly.
        case contradiction(first: Incarnation)
        /// Shares shards with a counted node without being it; cannot be counted.
        case overlapping(TreeNode)
        /// No node of the reduction tree.
        case foreign
    }

    public mutating func count(_ node: TreeNode, digest: Digest, from giver: Incarnation) -> Outcome {
        guard node.isNode(ofTreeOver: shards) else { return .foreign }
        if let entry = entries.first(where: { $0.node.overlaps(node) }) {
            guard entry.node == node else { return .overlapping(entry.node) }
            return entry.digest == digest ? .duplicate : .contradiction(first: entry.giver)
        }
        entries.append(Entry(node: node, digest: digest, giver: giver))
        for shard in node.lower..<node.upper { covered[shard] = true }
        return .counted
    }

    var brokenInvariant: String? {
        for (index, entry) in entries.enumerated() {
            if !entry.node.isNode(ofTreeOver: shards) { return "counted \(entry.node), no node over \(shards) shards" }
            if let other = entries[..<index].first(where: { $0.node.overlaps(entry.node) }) {
                return "counted \(other.node) and \(entry.node)"
            }
        }
        let counted = entries.reduce(0) { $0 + $1.node.count }
        return counted == covered.count { $0 } ? nil : "\(counted) shards counted, \(covered) marked"
    }
}
