import Common
import Testing

@testable import Coordination

/// Contributions that cannot be what their samples give, that arrive damaged, or that nobody was asked for.
@Suite struct DoubtTests {
    private static let error = SelMixError(.failed, "training diverged at step 0: the loss is nan")
    private static let node = TreeNode(0, 2)

    /// Two workers have answered step 0, and the shell is asked to take it.
    private static func complete(liar: UInt64? = nil) throws -> CoordinatorDriver {
        var driver = try CoordinatorDriver(minWorkers: 2)
        driver.join(1)
        driver.join(2)
        driver.answer(1)
        driver.answer(2)
        driver.select(0)
        for life in [1, 2] as [UInt64] {
            for assignment in driver.held(life) {
                for node in assignment.nodes(shards: 4) {
                    driver.contribute(life, assignment, node, digest: life == liar ? 666 : nil)
                }
            }
        }
        try #require(driver.core.phase == .computing(.train(StepIndex(0))))
        return driver
    }

    private static func recomputed(_ node: TreeNode, _ driver: CoordinatorDriver) -> CoordinatorEvent {
        .recomputed(
            Contribution(
                assignment: 0, work: .train(StepIndex(0)), weights: driver.core.weights,
                selection: driver.core.selection,
                node: node, digest: Digest(rawValue: UInt64(node.lower * 100 + node.upper)), loss: 0))
    }

    @Test func whoeverAloneComputesNonsenseIsQuarantined() throws {
        var driver = try Self.complete(liar: 1)
        let asked = driver.step(
            .implausible(StepIndex(0), [ImplausibleNode(Self.node, reason: "its loss is nan")], Self.error))
        #expect(driver.core.phase == .working(.train(StepIndex(0))))
        guard case .recomputing(Self.node, _, let reason)? = asked.records.first else {
            Issue.record("nothing is computed again: \(asked)")
            return
        }
        #expect(reason == "its loss is nan, as w1 computed it")
        let settled = driver.step(Self.recomputed(Self.node, driver))
        #expect(settled.contains(.keep(Self.node)) && settled.contains(.applyStep(StepIndex(0))))
        guard case .quarantined(let quarantine)? = settled.records.first else {
            Issue.record("nobody is quarantined: \(settled)")
            return
        }
        #expect(quarantine.worker == "w1")
        #expect(driver.greet(3, name: "w1").sent(to: 3).first.map { "\($0)" }?.contains("quarantined") == true)
    }

    @Test func whatEverybodyComputesEndsTheRun() throws {
        var driver = try Self.complete()
        let event = CoordinatorEvent.implausible(
            StepIndex(0), [ImplausibleNode(Self.node, reason: "its loss is nan")], Self.error)
        driver.step(event)
        // The coordinator computes the same, and the shell finds the step no better than before.
        #expect(driver.step(Self.recomputed(Self.node, driver)).contains(.applyStep(StepIndex(0))))
        #expect(driver.step(event).contains(.finish(.failed(Self.error))))
    }

    @Test func whatCannotBeLaidToANodeEndsTheRun() throws {
        var driver = try Self.complete()
        let end = driver.step(.implausible(StepIndex(0), [], Self.error))
        #expect(end.contains(.finish(.failed(Self.error))))
    }

    /// Where workers sum, nobody knows yet whose part it was.
    @Test func aGroupWhoseSumIsNonsenseHandsIn() throws {
        var driver = try CoordinatorDriver(minWorkers: 2, pieces: 2)
        driver.join(1)
        driver.join(2)
        driver.answer(1)
        driver.answer(2)
        driver.select(0)
        let nodes = [1, 2].flatMap { driver.held($0).flatMap { $0.nodes(shards: 4) } }
        driver.answer(1)
        driver.answer(2)
        driver.sum(1, 0, of: 0, from: nodes)
        driver.sum(2, 1, of: 0, from: nodes)
        try #require(driver.core.phase == .computing(.train(StepIndex(0))))
        let root = ImplausibleNode(TreeNode(0, 4), reason: "its gradient is beyond what its samples can give")
        let handedIn = driver.step(.implausible(StepIndex(0), [root], Self.error))
        #expect(handedIn.contains(.dropSums) && handedIn.assignments.allSatisfy { $0.assignment.group == nil })
        #expect(Set(handedIn.assignments.map(\.life)) == [1, 2])
        driver.answer(1)
        #expect(driver.answer(2).contains(.applyStep(StepIndex(0))))
        let asked = driver.step(.implausible(StepIndex(0), [ImplausibleNode(nodes[0], reason: "x")], Self.error))
        #expect(asked.contains { if case .recompute = $0 { true } else { false } })
    }

    // MARK: Damage

    /// It would be asked again for ever.
    @Test func aWorkerOfWhichNothingArrivesWholeIsRefused() throws {
        var driver = try CoordinatorDriver()
        var life: UInt64 = 1
        driver.greet(life, name: "w")
        for time in 1..<Coordinator.damageLimit {
            #expect(!driver.step(.damaged(driver.header(life, name: "w"))).records.contains { $0.isRefusal }, "\(time)")
            if time == 3 {
                // Another start of it is no other machine.
                driver.step(.workerEnded("w", WorkerEnd(.exited(1))))
                life = 2
                driver.greet(life, name: "w")
            }
        }
        let last = driver.step(.damaged(driver.header(life, name: "w")))
        #expect(last.records.contains { $0.isRefusal })
        #expect(driver.core.observations.isEmpty)
        #expect(driver.greet(3, name: "w").records.contains { $0.isRefusal })
    }

    @Test func whatArrivesWholeForgivesDamage() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        func damage() -> [CoordinatorDirective] {
            (1..<Coordinator.damageLimit).flatMap { _ in driver.step(.damaged(driver.header(1))) }
        }
        #expect(!damage().records.contains { $0.isRefusal })
        driver.answer(1)
        #expect(!damage().records.contains { $0.isRefusal })
        #expect(driver.core.observations.count == 1)
    }

    // MARK: What was not asked for

    /// A header for work that is over could end the run, whoever sent it.
    @Test func onlyWhoWasGivenANodeCanContradictIt() throws {
        var driver = try Self.complete()
        driver.apply(0)
        driver.join(3)
        let past = Assignment(
            number: 1, work: .train(StepIndex(0)), weights: WeightsVersion(0), selection: Digest(rawValue: 1),
            shards: [ShardID(0), ShardID(1)])
        let said = driver.contribute(3, past, Self.node, digest: 666)
        guard case .dropped(_, "w3", let reason)? = said.records.first else {
            Issue.record("not dropped: \(said)")
            return
        }
        #expect(reason == "it was not given [0, 2) of step 0")
        #expect(!driver.core.isOver)
    }

    @Test func onlyWhatWasAssignedCounts() throws {
        var driver = try CoordinatorDriver(minWorkers: 2)
        driver.join(1)
        driver.join(2)
        let theirs = try #require(driver.held(2).first)
        let said = driver.contribute(1, theirs, theirs.nodes(shards: 4)[0])
        #expect(said.records.contains { if case .dropped = $0 { true } else { false } })
        #expect(!said.contains { if case .keep = $0 { true } else { false } })
    }

    // MARK: Bounds

    @Test func aRecentSetForgetsTheOldest() {
        var set = RecentSet<Int>(capacity: 3)
        for element in [1, 2, 3, 3, 1, 4] { set.insert(element) }
        #expect([1, 2, 3, 4].map { set.contains($0) } == [false, true, true, true])
        for element in 0..<1000 { set.insert(element) }
        #expect((0..<1000).filter { set.contains($0) } == [997, 998, 999])
    }

    @Test func workersBeyondAnyJobAreTurnedAway() throws {
        var driver = try CoordinatorDriver()
        for life in 1...UInt64(Coordinator.mostWorkers) {
            var header = driver.header(life, runID: nil)
            header.epoch = .unknown
            _ = driver.core.step(.received(.hello(CoordinatorDriver.hello), header), at: driver.now)
        }
        #expect(driver.core.observations.count == Coordinator.mostWorkers)
        let life = UInt64(Coordinator.mostWorkers) + 1
        guard case .refused(_, retry: true)? = driver.greet(life).sent(to: life).first else {
            Issue.record("one more is let in")
            return
        }
    }

    @Test func partsFromTheFarFutureAreNotKept() {
        var intake = PartIntake<Int>(shards: 2)
        func part(_ step: Int, _ node: TreeNode) -> GradientPart {
            GradientPart(step: StepIndex(step), node: node, index: 0)
        }
        #expect(intake.add(part(1 << 47, TreeNode(0, 1)), 1, upTo: StepIndex(6)) == nil)
        #expect(intake.add(part(5, TreeNode(0, 1)), 1, upTo: StepIndex(6)) == nil)
        #expect(intake.add(part(5, TreeNode(1, 2)), 2, upTo: StepIndex(6))?.count == 2)
        // One that was taken while nothing was known does not stand in the way for long.
        #expect(intake.add(part(1 << 47, TreeNode(0, 1)), 1) == nil)
        #expect(intake.add(part(6, TreeNode(0, 2)), 1, upTo: StepIndex(6))?.count == 1)
    }
}

extension RunEvent {
    fileprivate var isRefusal: Bool { if case .workerRefused = self { true } else { false } }
}
