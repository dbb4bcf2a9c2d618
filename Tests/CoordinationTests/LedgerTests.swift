import Common
import Testing

@testable import Coordination

@Suite struct LedgerTests {
    private let first = Incarnation(rawValue: 1)
    private let second = Incarnation(rawValue: 2)
    private let digest = Digest(rawValue: 10)

    @Test func countsEachShardOnce() {
        var ledger = Ledger(shards: 4)
        #expect(ledger.count(TreeNode(0, 2), digest: digest, from: first) == .counted)
        #expect(ledger.missing == [ShardID(2), ShardID(3)])
        #expect(!ledger.isComplete)
        #expect(ledger.count(TreeNode(2, 3), digest: digest, from: second) == .counted)
        #expect(ledger.count(TreeNode(3, 4), digest: digest, from: first) == .counted)
        #expect(ledger.isComplete && ledger.missing.isEmpty)
        #expect(ledger.brokenInvariant == nil)
    }

    @Test func aSecondCopyIsADuplicateOrAContradiction() {
        var ledger = Ledger(shards: 4)
        #expect(ledger.count(TreeNode(0, 2), digest: digest, from: first) == .counted)
        #expect(ledger.count(TreeNode(0, 2), digest: digest, from: second) == .duplicate)
        let other = Digest(rawValue: 11)
        #expect(ledger.count(TreeNode(0, 2), digest: other, from: second) == .contradiction(first: first))
        #expect(ledger.entries.count == 1)
    }

    @Test func whatOverlapsIsNotCounted() {
        var ledger = Ledger(shards: 4)
        #expect(ledger.count(TreeNode(0, 2), digest: digest, from: first) == .counted)
        #expect(ledger.count(TreeNode(0, 4), digest: digest, from: second) == .overlapping(TreeNode(0, 2)))
        #expect(ledger.count(TreeNode(1, 2), digest: digest, from: second) == .overlapping(TreeNode(0, 2)))
        #expect(ledger.missing == [ShardID(2), ShardID(3)])
    }

    @Test func whatIsNoNodeIsForeign() {
        var ledger = Ledger(shards: 5)
        for (lower, upper) in [(1, 3), (0, 3), (3, 5), (4, 6), (0, 8)] {
            #expect(ledger.count(TreeNode(lower, upper), digest: digest, from: first) == .foreign)
        }
        #expect(ledger.missing.count == 5)
    }
}
