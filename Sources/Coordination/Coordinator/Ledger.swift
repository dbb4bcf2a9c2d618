import Common

/// Lets each logical shard count exactly once in one piece of work.
///
/// It knows which tree nodes have been counted, and who said what of them. Counted nodes never overlap, so the work is
/// complete when they cover all shards and each is settled: nobody disagrees, and an audited one was computed by two
/// workers of different names, or by the coordinator itself. The root can then be summed from them. The ledger keeps
/// digests, never tensors.
public struct Ledger: Sendable {
    struct Entry: Sendable {
        let node: TreeNode
        let isAudited: Bool
        /// The first is what the shell keeps. They agree, unless the coordinator is computing the node itself.
        var claims: [Claim]
        /// The coordinator has computed the node itself, and what is left of the claims agrees with that.
        var isJudged = false
        var isRecomputing = false
        /// It cannot be what its samples give: it is used only if the coordinator computes the same.
        var isDoubted = false

        var digest: Digest { claims[0].digest }
        var givers: Set<String> { Set(claims.map(\.worker)) }
        var isDisputed: Bool { claims.contains { !$0.agrees(with: claims[0]) } }
        /// Two have computed it, and they agree.
        var isProven: Bool { isJudged || (!isDisputed && givers.count > 1) }
        var isSettled: Bool { isJudged || (!isDisputed && !isDoubted && (!isAudited || isProven)) }
        var witness: String { isJudged ? "the coordinator" : givers.sorted().joined(separator: " and ") }
    }

    public let shards: Int
    /// Disjoint, in order of arrival.
    private(set) var entries: [Entry] = []
    private var covered: [Bool]

    public init(shards: Int) {
        self.shards = shards
        covered = [Bool](repeating: false, count: shards)
    }

    public var isComplete: Bool { covered.allSatisfy { $0 } && entries.allSatisfy(\.isSettled) }
    /// What no counted node covers.
    public var missing: [ShardID] { covered.indices.filter { !covered[$0] }.map { ShardID($0) } }

    func entry(of node: TreeNode) -> Entry? { entries.first { $0.node == node } }

    enum Outcome {
        case counted
        /// A second worker has computed the same.
        case confirmed
        /// The same from the same worker, or one more than is needed.
        case duplicate
        /// Not what was counted, and it is open who is right.
        case disputed(Entry)
        /// Not what two have computed already.
        case wrong(Entry)
        /// Shares shards with a counted node without being it; cannot be counted.
        case overlapping(TreeNode)
        /// No node of the reduction tree.
        case foreign
    }

    mutating func count(_ node: TreeNode, _ claim: Claim, audited: Bool) -> Outcome {
        guard node.isNode(ofTreeOver: shards) else { return .foreign }
        guard let index = entries.firstIndex(where: { $0.node.overlaps(node) }) else {
            entries.append(Entry(node: node, isAudited: audited, claims: [claim]))
            for shard in node.lower..<node.upper { covered[shard] = true }
            return .counted
        }
        let entry = entries[index]
        guard entry.node == node else { return .overlapping(entry.node) }
        if claim.agrees(with: entry.claims[0]) {
            if entry.givers.contains(claim.worker) || entry.isJudged { return .duplicate }
            entries[index].claims.append(claim)
            return .confirmed
        }
        if entry.isProven { return .wrong(entry) }
        if !entry.claims.contains(where: { $0.worker == claim.worker && $0.agrees(with: claim) }) {
            entries[index].claims.append(claim)
        }
        return .disputed(entries[index])
    }

    /// The coordinator computes a counted node itself from now on.
    mutating func recompute(_ node: TreeNode) {
        guard let index = entries.firstIndex(where: { $0.node == node }) else {
            // Only nodes that have just been found in `entries` are recomputed.
            preconditionFailure("\(node) is not counted")
        }
        entries[index].isRecomputing = true
    }

    /// A counted node is not used before the coordinator has computed it.
    mutating func doubt(_ node: TreeNode) {
        guard let index = entries.firstIndex(where: { $0.node == node }) else { return }
        entries[index].isDoubted = true
    }

    /// Settles a counted node by what the coordinator computed itself.
    ///
    /// - Returns: the claims that differ; nil when the node is not counted (any more). What is kept differs if the first does.
    mutating func settle(_ node: TreeNode, by verdict: Claim) -> (wrong: [Claim], keptIsWrong: Bool)? {
        guard let index = entries.firstIndex(where: { $0.node == node }) else { return nil }
        let claims = entries[index].claims
        let right = claims.filter { $0.agrees(with: verdict) }
        entries[index].claims = right.isEmpty ? [verdict] : right
        entries[index].isJudged = true
        entries[index].isRecomputing = false
        return (claims.filter { !$0.agrees(with: verdict) }, !claims[0].agrees(with: verdict))
    }

    /// Takes back what a worker claims. What the coordinator has computed stays, and what it is computing.
    ///
    /// - Returns: nodes that nobody else has computed; they are not counted any more.
    mutating func withdraw(_ worker: String) -> [TreeNode] {
        var dropped: [TreeNode] = []
        for index in entries.indices where !entries[index].isJudged && !entries[index].isDisputed {
            entries[index].claims.removeAll { $0.worker == worker }
            if entries[index].claims.isEmpty { dropped.append(entries[index].node) }
        }
        entries.removeAll(where: \.claims.isEmpty)
        for node in dropped { for shard in node.lower..<node.upper { covered[shard] = false } }
        return dropped
    }

    var brokenInvariant: String? {
        for (index, entry) in entries.enumerated() {
            if !entry.node.isNode(ofTreeOver: shards) { return "counted \(entry.node), no node over \(shards) shards" }
            if let other = entries[..<index].first(where: { $0.node.overlaps(entry.node) }) {
                return "counted \(other.node) and \(entry.node)"
            }
            if entry.claims.isEmpty { return "counted \(entry.node), which nobody gave" }
            if entry.isDisputed, !entry.isRecomputing { return "nobody settles who is right about \(entry.node)" }
        }
        let counted = entries.reduce(0) { $0 + $1.node.count }
        return counted == covered.count { $0 } ? nil : "\(counted) shards counted, \(covered) marked"
    }
}
