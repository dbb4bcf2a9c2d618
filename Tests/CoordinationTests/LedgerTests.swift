import Common
import Testing

@testable import Coordination

@Suite struct LedgerTests {
    private func claim(_ worker: String, _ digest: UInt64 = 10, loss: Double = 0) -> Claim {
        Claim(
            worker: worker, host: "h", incarnation: Incarnation(rawValue: 1), assignment: 1,
            digest: Digest(rawValue: digest), loss: loss)
    }

    @Test func countsEachShardOnce() {
        var ledger = Ledger(shards: 4)
        #expect(ledger.give(0, 2, claim("a")) == "counted")
        #expect(ledger.missing == [ShardID(2), ShardID(3)])
        #expect(!ledger.isComplete)
        #expect(ledger.give(2, 3, claim("b")) == "counted")
        #expect(ledger.give(3, 4, claim("a")) == "counted")
        #expect(ledger.isComplete && ledger.missing.isEmpty)
        #expect(ledger.brokenInvariant == nil)
    }

    @Test func aSecondCopyIsComparedWithTheFirst() {
        var ledger = Ledger(shards: 2)
        #expect(ledger.give(0, 2, claim("a")) == "counted")
        #expect(ledger.give(0, 2, claim("a")) == "duplicate")
        #expect(ledger.give(0, 2, claim("b")) == "confirmed")
        #expect(ledger.give(0, 2, claim("c", 11)) == "wrong", "two have it otherwise")
        #expect(ledger.entries.count == 1 && ledger.isComplete)
    }

    @Test func theLossIsComparedToo() {
        var ledger = Ledger(shards: 2)
        #expect(ledger.give(0, 1, claim("a", loss: 1)) == "counted")
        #expect(ledger.give(0, 1, claim("b", loss: 2)) == "disputed")
        #expect(ledger.give(1, 2, claim("a", loss: .nan)) == "counted")
        #expect(ledger.give(1, 2, claim("b", loss: .nan)) == "confirmed")
    }

    @Test func whatIsAuditedNeedsTwoWorkersOfDifferentNames() {
        var ledger = Ledger(shards: 2)
        #expect(ledger.give(0, 2, claim("a"), audited: true) == "counted")
        #expect(ledger.give(0, 2, claim("a"), audited: true) == "duplicate")
        #expect(!ledger.isComplete && ledger.missing.isEmpty)
        #expect(ledger.give(0, 2, claim("b"), audited: true) == "confirmed")
        #expect(ledger.isComplete)
    }

    @Test(arguments: [10, 11, 12] as [UInt64])
    func theVerdictSettlesADispute(right: UInt64) throws {
        var ledger = Ledger(shards: 2)
        _ = ledger.give(0, 2, claim("a", 10))
        #expect(ledger.give(0, 2, claim("b", 11)) == "disputed")
        #expect(!ledger.isComplete)
        ledger.recompute(TreeNode(0, 2))
        let verdict = ledger.settle(TreeNode(0, 2), by: claim("judge", right))
        let settled = try #require(verdict)
        #expect(
            settled.wrong.map(\.worker) == ["a", "b"].filter { $0 != (right == 10 ? "a" : right == 11 ? "b" : "") })
        #expect(settled.keptIsWrong == (right != 10))
        #expect(ledger.isComplete && ledger.entries[0].digest == Digest(rawValue: right))
        #expect(ledger.give(0, 2, claim("c", 13)) == "wrong")
    }

    @Test func whoIsNotTrustedAnyMoreTakesBackOnlyWhatNobodyElseComputed() {
        var ledger = Ledger(shards: 4)
        _ = ledger.give(0, 1, claim("a"))
        _ = ledger.give(1, 2, claim("a"))
        _ = ledger.give(1, 2, claim("b"))
        _ = ledger.give(2, 3, claim("b"))
        _ = ledger.give(3, 4, claim("a"))
        ledger.recompute(TreeNode(3, 4))
        _ = ledger.settle(TreeNode(3, 4), by: claim("judge"))
        #expect(ledger.withdraw("a") == [TreeNode(0, 1)])
        #expect(ledger.missing == [ShardID(0)] && ledger.brokenInvariant == nil)
        #expect(ledger.settle(TreeNode(0, 1), by: claim("judge")) == nil)
    }

    @Test func whatOverlapsIsNotCounted() {
        var ledger = Ledger(shards: 4)
        #expect(ledger.give(0, 2, claim("a")) == "counted")
        #expect(ledger.give(0, 4, claim("b")) == "overlapping")
        #expect(ledger.give(1, 2, claim("b")) == "overlapping")
        #expect(ledger.missing == [ShardID(2), ShardID(3)])
    }

    @Test func whatIsNoNodeIsForeign() {
        var ledger = Ledger(shards: 5)
        for (lower, upper) in [(1, 3), (0, 3), (3, 5), (4, 6), (0, 8)] {
            #expect(ledger.give(lower, upper, claim("a")) == "foreign")
        }
        #expect(ledger.missing.count == 5)
    }
}

extension Ledger {
    /// Counts, and names what came of it.
    fileprivate mutating func give(_ lower: Int, _ upper: Int, _ claim: Claim, audited: Bool = false) -> String {
        switch count(TreeNode(lower, upper), claim, audited: audited) {
        case .counted: "counted"
        case .confirmed: "confirmed"
        case .duplicate: "duplicate"
        case .disputed: "disputed"
        case .wrong: "wrong"
        case .overlapping: "overlapping"
        case .foreign: "foreign"
        }
    }
}
