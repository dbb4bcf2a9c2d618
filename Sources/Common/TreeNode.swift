/// A node of the canonical reduction tree: the logical shards `lower ..< upper`.
///
/// Floating-point addition is not associative, so the order in which shards are summed is part of the result. It is fixed
/// by the number of shards V alone: the root is [0, V), and a node [a, b) splits at a + the largest power of two below
/// b - a. Whoever sums, a worker over the shards it owns or the coordinator over what workers sent, walks this tree, and
/// so the bytes do not depend on who owned what.
public struct TreeNode: Hashable, Sendable, Codable {
    public let lower: Int
    public let upper: Int

    public init(_ lower: Int, _ upper: Int) {
        precondition(0 <= lower && lower < upper, "no tree node [\(lower), \(upper))")
        self.lower = lower
        self.upper = upper
    }

    public static func leaf(_ shard: ShardID) -> TreeNode { TreeNode(shard.rawValue, shard.rawValue + 1) }
    public static func root(shards: Int) -> TreeNode { TreeNode(0, shards) }

    public var count: Int { upper - lower }
    public var shards: [ShardID] { (lower..<upper).map { ShardID($0) } }

    /// The two halves whose sums are added to give this node's sum; nil for a leaf.
    public var children: (left: TreeNode, right: TreeNode)? {
        guard count > 1 else { return nil }
        let middle = lower + 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
        return (TreeNode(lower, middle), TreeNode(middle, upper))
    }

    public func contains(_ other: TreeNode) -> Bool { lower <= other.lower && other.upper <= upper }
    public func overlaps(_ other: TreeNode) -> Bool { lower < other.upper && other.lower < upper }

    /// Whether this range occurs in the tree over `shards` shards. A range from the network need not.
    public func isNode(ofTreeOver shards: Int) -> Bool {
        guard upper <= shards else { return false }
        var node = TreeNode.root(shards: shards)
        while node != self {
            guard let (left, right) = node.children else { return false }
            node = left.contains(self) ? left : right
            guard node.contains(self) else { return false }
        }
        return true
    }

    /// The fewest nodes of the tree over `total` shards that hold exactly `shards`: what a worker sends when it owns them.
    public static func maximalNodes(of shards: some Sequence<ShardID>, total: Int) -> [TreeNode] {
        var owned = [Bool](repeating: false, count: total)
        for shard in shards { owned[shard.rawValue] = true }
        var nodes: [TreeNode] = []
        func visit(_ node: TreeNode) {
            let held = owned[node.lower..<node.upper].count { $0 }
            if held == node.count {
                nodes.append(node)
            } else if held > 0, let (left, right) = node.children {
                visit(left)
                visit(right)
            }
        }
        visit(.root(shards: total))
        return nodes
    }

    /// Those of some nodes, the largest first, that make up this one; nil while some shards are missing.
    public func cover<Value>(by known: [TreeNode: Value]) -> [TreeNode: Value]? {
        if let value = known[self] { return [self: value] }
        guard let (left, right) = children, let first = left.cover(by: known), let second = right.cover(by: known)
        else { return nil }
        return first.merging(second) { value, _ in value }
    }

    /// Sums over this subtree in the canonical order.
    ///
    /// - Parameters:
    ///   - value: what is already known of a node (a leaf just computed, an inner node that a worker sent), or nil to
    ///     descend to its children. It must know every leaf it is asked for.
    ///   - add: the right-hand sum added into the left-hand one.
    public func reduce<Value>(
        _ value: (TreeNode) throws -> Value?, add: (Value, Value) throws -> Value
    ) rethrows -> Value {
        if let known = try value(self) { return known }
        guard let (left, right) = children else { preconditionFailure("no value for the leaf \(self)") }
        let sum = try left.reduce(value, add: add)
        return try add(sum, right.reduce(value, add: add))
    }
}

extension TreeNode: CustomStringConvertible {
    public var description: String { "[\(lower), \(upper))" }
}
