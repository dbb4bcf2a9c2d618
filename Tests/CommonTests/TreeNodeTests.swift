import Common
import Testing

@Suite struct TreeNodeTests {
    @Test func splitsAtTheLargestPowerOfTwoBelowItsSize() {
        #expect(TreeNode(0, 8).children! == (TreeNode(0, 4), TreeNode(4, 8)))
        #expect(TreeNode(0, 5).children! == (TreeNode(0, 4), TreeNode(4, 5)))
        #expect(TreeNode(4, 7).children! == (TreeNode(4, 6), TreeNode(6, 7)))
        #expect(TreeNode(3, 4).children == nil)
    }

    @Test func knowsItsNodes() {
        #expect(TreeNode(4, 6).isNode(ofTreeOver: 8))
        #expect(!TreeNode(3, 5).isNode(ofTreeOver: 8))
        #expect(!TreeNode(6, 9).isNode(ofTreeOver: 8))
        #expect(TreeNode(8, 9).isNode(ofTreeOver: 9))
    }

    @Test func maximalNodesAreTheFewestThatHoldExactlyTheShards() {
        func nodes(_ shards: [Int], of total: Int) -> [String] {
            TreeNode.maximalNodes(of: shards.map { ShardID($0) }, total: total).map(\.description)
        }
        #expect(nodes([0, 1, 2, 3, 4, 5, 6, 7], of: 8) == ["[0, 8)"])
        #expect(nodes([1, 2, 3], of: 8) == ["[1, 2)", "[2, 4)"])
        #expect(nodes([5], of: 8) == ["[5, 6)"])
        #expect(nodes([], of: 8) == [])
    }

    /// Whoever owns what, the root's sum is the same bytes, although float addition is not associative.
    @Test func sumsDoNotDependOnWhoSummedWhat() {
        let philox = Philox(seed: 3)
        for total in [1, 2, 3, 5, 8, 13] {
            let leaves = (0..<total).map { Float(philox.block(.probe, index: total, slot: $0).low.unitInterval) * 1e6 }
            let whole = TreeNode.root(shards: total).reduce({ $0.count == 1 ? leaves[$0.lower] : nil }, add: +)
            for workers in 1...total {
                var sent: [TreeNode: Float] = [:]
                for worker in 0..<workers {
                    let owned = (0..<total).filter { $0 * workers / total == worker }.map { ShardID($0) }
                    for node in TreeNode.maximalNodes(of: owned, total: total) {
                        sent[node] = node.reduce({ $0.count == 1 ? leaves[$0.lower] : nil }, add: +)
                    }
                }
                #expect(TreeNode.root(shards: total).reduce({ sent[$0] }, add: +).bitPattern == whole.bitPattern)
            }
        }
    }
}
