import Common
import Testing

@testable import Coordination

@Suite struct AuditTests {
    private let validation = Work.validate(RoundIndex(0))

    private func right(_ node: TreeNode) -> UInt64 { UInt64(node.lower * 100 + node.upper) }

    /// Two or more workers with an audit of everything, at the first validation.
    private func audited(_ workers: Int, shards: Int = 4) throws -> CoordinatorDriver {
        var driver = try CoordinatorDriver(shards: shards, minWorkers: workers, audit: 1)
        for life in 1...workers { driver.join(UInt64(life)) }
        return driver
    }

    /// The shell computes what it was asked for.
    private func recompute(
        _ driver: inout CoordinatorDriver, _ directives: [CoordinatorDirective], digest: UInt64? = nil
    ) -> [CoordinatorDirective] {
        var answers: [CoordinatorDirective] = []
        for case .recompute(let assignment) in directives {
            for node in assignment.nodes(shards: driver.core.configuration.shards) {
                answers += driver.step(
                    .recomputed(
                        Contribution(
                            assignment: 0, work: assignment.work, weights: assignment.weights,
                            selection: assignment.selection, node: node,
                            digest: Digest(rawValue: digest ?? right(node)), loss: 0)))
            }
        }
        return answers
    }

    @Test func theDrawDependsOnSeedWorkAndNodeAlone() {
        let nodes = (0..<1000).map { TreeNode.leaf(ShardID($0)) }
        let plan = AuditPlan(seed: 5, fraction: 0.1)
        let drawn = nodes.filter { plan.contains($0, in: .train(StepIndex(3))) }
        #expect((60...140).contains(drawn.count))
        #expect(drawn == nodes.filter { AuditPlan(seed: 5, fraction: 0.1).contains($0, in: .train(StepIndex(3))) })
        for other in [
            nodes.filter { plan.contains($0, in: .train(StepIndex(4))) },
            nodes.filter { plan.contains($0, in: .validate(RoundIndex(3))) },
            nodes.filter { AuditPlan(seed: 6, fraction: 0.1).contains($0, in: .train(StepIndex(3))) },
        ] { #expect(other != drawn) }
        // Who is drawn at a small fraction is drawn at a larger one.
        let more = AuditPlan(seed: 5, fraction: 0.5)
        #expect(drawn.allSatisfy { more.contains($0, in: .train(StepIndex(3))) })
        #expect(nodes.allSatisfy { AuditPlan(seed: 5, fraction: 1).contains($0, in: validation) })
        #expect(!nodes.contains { AuditPlan.none.contains($0, in: validation) })
    }

    @Test func whatIsAuditedIsGivenToASecondWorkerWithTheSameNodes() throws {
        var driver = try audited(2, shards: 6)
        #expect(driver.held(1).map(\.shards) == [[0, 1, 2], [3, 4, 5]].map { $0.map { ShardID($0) } })
        #expect(driver.held(2).map(\.shards) == [[3, 4, 5], [0, 1, 2]].map { $0.map { ShardID($0) } })
        // One of the two copies is not enough, in whichever order they come.
        driver.answer(1)
        #expect(driver.core.phase == .working(validation))
        #expect(driver.answer(2).contains(.select(RoundIndex(0), isLast: false)))
        #expect(driver.select(0).records.count == 1)
    }

    @Test func withoutASecondWorkerTheCoordinatorComputesItself() throws {
        var driver = try audited(1)
        let asked = driver.answer(1)
        #expect(
            asked.records == [
                .recomputing(TreeNode(0, 4), of: validation, reason: "no second worker to audit w1")
            ])
        #expect(driver.core.phase == .working(validation))
        #expect(recompute(&driver, asked) == [.select(RoundIndex(0), isLast: false)])
    }

    @Test func anAuditMovesOnWhenItsWorkerIsLost() throws {
        var driver = try audited(3, shards: 3)
        driver.answer(1)
        driver.step(.received(.failed(reason: "x"), driver.header(2)))
        driver.answer(1)
        #expect(driver.core.phase == .working(validation))
        #expect(driver.answer(3).contains(.select(RoundIndex(0), isLast: false)))
    }

    @Test(arguments: [1, 2] as [UInt64])
    func whoComputedWronglyIsNamedAndRefused(liar: UInt64) throws {
        var driver = try audited(2)
        let honest = 3 - liar
        let node = TreeNode(0, 2)
        let (own, copy) = (driver.held(1)[0], driver.held(2)[1])
        driver.contribute(1, own, node, digest: liar == 1 ? 666 : nil)
        let asked = driver.contribute(2, copy, node, digest: liar == 2 ? 666 : nil)
        #expect(asked.records == [.recomputing(node, of: validation, reason: "w1 and w2 differ")])

        let settled = recompute(&driver, asked)
        let found = settled.records.compactMap { if case .quarantined(let found) = $0 { found } else { nil } }
        #expect(found.map(\.worker) == ["w\(liar)"])
        #expect(found.first?.digest == Digest(rawValue: 666) && found.first?.expected == Digest(rawValue: 2))
        // What is kept is replaced only if it was wrong.
        #expect(settled.contains(.keep(node)) == (liar == 1))
        guard case .refused(_, retry: false)? = settled.sent(to: liar).first else {
            Issue.record("\(settled)")
            return
        }

        // It is refused, with the reason, as the same and as another life.
        let again = driver.greet(9, name: "w\(liar)")
        guard case .refused(let reason, retry: false)? = again.sent(to: 9).first else {
            Issue.record("\(again)")
            return
        }
        #expect(reason.hasPrefix("worker w\(liar) is quarantined: [0, 2) of validation of round 0 is "))

        // The other one goes on; what it gives is compared with what the coordinator computes.
        #expect(recompute(&driver, driver.answer(honest)).contains(.select(RoundIndex(0), isLast: false)))
    }

    @Test func whatNobodyElseComputedIsDroppedWithItsWorker() throws {
        var driver = try CoordinatorDriver(shards: 6, minWorkers: 3)
        for life in 1...3 { driver.join(UInt64(life)) }
        let (first, second) = (driver.held(1)[0], driver.held(2)[0])
        #expect(second.nodes(shards: 6) == [TreeNode(2, 4)])
        driver.contribute(2, second, TreeNode(2, 4))
        // The first worker is slow, so that the second computes its share, too.
        driver.pass(.milliseconds(100))
        let copy = driver.held(2)[0]
        #expect(copy.shards == first.shards)
        driver.contribute(1, first, TreeNode(0, 2))
        let asked = driver.contribute(2, copy, TreeNode(0, 2), digest: 666)
        let settled = recompute(&driver, asked)
        #expect(settled.contains(.drop(TreeNode(2, 4))) && !settled.contains(.drop(TreeNode(0, 2))))
        #expect(settled.assignments.map(\.assignment.shards) == [[ShardID(2), ShardID(3)]])
        #expect((driver.answer(1) + driver.answer(3)).contains(.select(RoundIndex(0), isLast: false)))
    }

    @Test func aLateCopyThatDiffersFromWhatTwoComputedBlamesItsWorkerAlone() throws {
        var driver = try audited(3, shards: 3)
        let shards = driver.held(1)[0].shards
        let auditor = try #require([UInt64(2), 3].first { driver.held($0).contains { $0.shards == shards } })
        let third = 5 - auditor
        // The two are slow, so that the third worker computes a copy, which comes late.
        driver.answer(third)
        driver.pass(.milliseconds(100))
        let copy = try #require(driver.held(third).first { $0.shards == shards })
        for life in [1, auditor] { driver.answer(life) }
        #expect(driver.core.phase == .computing(validation))
        driver.select(0)
        let late = driver.contribute(third, copy, copy.nodes(shards: 3)[0], digest: 666)
        #expect(late.outcome == nil)
        #expect(
            late.records.contains {
                if case .quarantined(let found) = $0 { found.worker == "w\(third)" } else { false }
            })
        #expect(driver.core.ready.map(\.name) == ["w1", "w\(auditor)"])
    }

    @Test func aRestartStillRefusesWhoWasQuarantined() throws {
        var driver = try CoordinatorDriver(epoch: 2)
        var configuration = driver.core.configuration
        configuration.quarantined = ["w1": "it lied"]
        driver.core = Coordinator(configuration)
        driver.step(.started)
        guard case .refused("worker w1 is quarantined: it lied", retry: false)? = driver.greet(1).sent(to: 1).first
        else {
            Issue.record("it is let in")
            return
        }
        #expect(driver.join(2).assignments.count == 1)
    }

    /// The one worker that could audit the other is slow: the shell computes what it is asked for, and the work is done.
    @Test func aSlowAuditorDoesNotHoldUpAll() throws {
        var driver = try audited(2)
        driver.now = driver.now + .milliseconds(10)
        driver.answer(1)
        #expect(driver.core.phase == .working(validation))
        driver.now = driver.now + .milliseconds(100)
        let asked = driver.step(.tick)
        #expect(
            asked.records.contains {
                if case .recomputing(_, _, let reason) = $0 { reason.contains("quick enough") } else { false }
            })
        _ = recompute(&driver, asked)
        #expect(driver.core.phase == .computing(validation))
    }
}
