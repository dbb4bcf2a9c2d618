import Common
import Testing

@testable import Coordination

@Suite struct WorkTests {
    @Test func aRunGoesThroughItsRounds() throws {
        var driver = try CoordinatorDriver(shards: 4, rounds: 2, steps: 2)
        driver.join(1)
        for round in 0..<2 {
            #expect(driver.core.phase == .working(.validate(RoundIndex(round))))
            #expect(driver.answer(1).contains(.select(RoundIndex(round), isLast: false)))
            driver.select(round)
            for step in round * 2..<round * 2 + 2 {
                #expect(driver.core.phase == .working(.train(StepIndex(step))))
                #expect(driver.answer(1).contains(.applyStep(StepIndex(step))))
                driver.apply(step)
                #expect(driver.core.weights == WeightsVersion(step + 1))
            }
        }
        #expect(driver.answer(1).contains(.select(RoundIndex(2), isLast: true)))
        #expect(
            driver.select(2) == [
                .record(.selected(Selection(round: RoundIndex(2), digest: Digest(rawValue: 3)))), .conclude,
            ])
        let end = driver.step(.concluded)
        #expect(end.outcome == .finished && end.sent(to: 1) == [.release(reason: "the run is done")])
        #expect(driver.step(.tick).isEmpty)
    }

    @Test func convergenceEndsARun() throws {
        var driver = try CoordinatorDriver(rounds: 5)
        driver.join(1)
        driver.answer(1)
        #expect(driver.select(0, converged: true).contains(.conclude))
        #expect(driver.step(.concluded).outcome == .finished)
    }

    @Test func aRestartBeginsWithTheRoundOfTheCheckpoint() throws {
        var driver = try CoordinatorDriver(rounds: 3, steps: 2, epoch: 4, firstRound: 2)
        let dealt = driver.join(1).assignments
        #expect(dealt.map(\.assignment.work) == [.validate(RoundIndex(2))])
        #expect(dealt.first?.assignment.weights == WeightsVersion(4))
        #expect(dealt.first?.assignment.featureSums == true)
        driver.answer(1)
        #expect(driver.select(2).assignments.first?.assignment.work == .train(StepIndex(4)))
    }

    @Test func weightsGoOutOnceAVersion() throws {
        var driver = try CoordinatorDriver()
        let first = driver.join(1)
        #expect(first.contains(.sendWeights(WeightsVersion(0), after: nil, to: Incarnation(rawValue: 1))))
        driver.answer(1)
        let step = driver.select(0)
        #expect(!step.contains { if case .sendWeights = $0 { true } else { false } })
        driver.answer(1)
        let next = driver.apply(0)
        // Ahead of the assignment that needs them.
        #expect(
            next.contains(.sendWeights(WeightsVersion(1), after: WeightsVersion(0), to: Incarnation(rawValue: 1)))
                && next.firstIndex(
                    of: .sendWeights(WeightsVersion(1), after: WeightsVersion(0), to: Incarnation(rawValue: 1)))!
                    < next.firstIndex { if case .assign = $0 { true } else { false } }!
        )
    }

    @Test func whatADeadWorkerHeldMovesToTheOthers() throws {
        var driver = try CoordinatorDriver(shards: 8, minWorkers: 2)
        driver.join(1)
        driver.join(2)
        #expect(driver.held(2).first?.shards.map(\.rawValue) == [4, 5, 6, 7])
        driver.now = driver.now + .seconds(1)
        driver.beat(1)
        let moved = driver.pass(.seconds(1))
        #expect(moved.assignments.map(\.life) == [1])
        #expect(moved.assignments.first?.assignment.shards.map(\.rawValue) == [4, 5, 6, 7])
        #expect(driver.answer(1).contains(.select(RoundIndex(0), isLast: false)))
    }

    @Test func whatAStragglerHoldsIsComputedTwiceAndTheFirstCopyCounts() throws {
        var driver = try CoordinatorDriver(shards: 8, minWorkers: 2)
        driver.join(1)
        driver.join(2)
        let slow = try #require(driver.held(2).first)
        driver.answer(1)
        #expect(driver.pass(.milliseconds(19)).assignments.isEmpty)
        let copied = driver.pass(.milliseconds(1))
        #expect(copied.assignments.map(\.life) == [1])
        #expect(copied.assignments.first?.assignment.shards == slow.shards)
        #expect(driver.answer(1).contains(.select(RoundIndex(0), isLast: false)))

        // While it computes what is over, it is given nothing new; then it is again.
        #expect(driver.select(0).assignments.map(\.life) == [1])
        driver.contribute(2, slow, TreeNode(4, 8))
        driver.answer(1)
        #expect(driver.apply(0).assignments.map(\.life) == [1, 2])
    }

    @Test func aLateSecondCopyMustHaveTheSameDigest() throws {
        var driver = try CoordinatorDriver(shards: 8, minWorkers: 2)
        driver.join(1)
        driver.join(2)
        let slow = try #require(driver.held(2).first)
        driver.answer(1)
        driver.pass(.milliseconds(20))
        driver.answer(1)
        driver.select(0)
        let end = driver.contribute(2, slow, TreeNode(4, 8), digest: 666)
        guard case .finish(.failed(let error)) = end.last else {
            Issue.record("\(end)")
            return
        }
        #expect(error.message.contains("computed [4, 8) of validation of round 0 differently"))
    }

    @Test func aWorkerWithoutProgressIsGivenUp() throws {
        var driver = try CoordinatorDriver(minWorkers: 2)
        driver.join(1)
        driver.join(2)
        var blocks: UInt64 = 0
        var lost: [RunEvent] = []
        // Both are heard and hold their work, but only the first one gets on with it.
        for _ in 0..<5 {
            driver.now = driver.now + .milliseconds(400)
            blocks += 1
            driver.beat(1, blocks: blocks, weights: 0, holding: driver.held(1).map(\.number))
            driver.beat(2, blocks: 0, weights: 0, holding: driver.held(2).map(\.number))
            lost += driver.step(.tick).records
        }
        #expect(lost.contains { if case .workerLost("w2", _, "no progress for 2 s") = $0 { true } else { false } })
        #expect(driver.core.workers.count == 1)
    }

    @Test func workIsRepeatedThreeTimesAtMost() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        var sendings = 1
        for _ in 0..<40 where !driver.core.workers.isEmpty {
            driver.now = driver.now + .milliseconds(200)
            sendings += driver.beat(1, weights: nil).assignments.count
            driver.step(.tick)
        }
        #expect(sendings == 4)
        #expect(driver.core.workers.isEmpty, "it is given up after that")
    }

    @Test func repeatsBringTheWeightsOnlyIfTheyAreMissing() throws {
        for weights in [nil, 0] {
            var driver = try CoordinatorDriver()
            driver.join(1)
            driver.now = driver.now + .seconds(1)
            let repeated = driver.beat(1, weights: weights)
            #expect(repeated.assignments.count == 1)
            let withWeights = repeated.contains { if case .sendWeights = $0 { true } else { false } }
            #expect(withWeights == (weights == nil))
        }
    }

    @Test func aDrainedWorkerFinishesAndLeaves() throws {
        var driver = try CoordinatorDriver(minWorkers: 2)
        driver.join(1)
        driver.join(2)
        driver.step(.received(.leaving(reason: "told to"), driver.header(2)))
        #expect(driver.held(2).count == 1)
        let left = driver.answer(2)
        #expect(left.sent(to: 2) == [.release(reason: "drained")])
        driver.answer(1)
        #expect(driver.select(0).assignments.map(\.life) == [1])
    }

    @Test func anIdleWorkerLeavesAtOnce() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.join(2)
        let left = driver.step(.received(.leaving(reason: "told to"), driver.header(2)))
        #expect(left.sent(to: 2) == [.release(reason: "drained")])
    }

    @Test func workersBeyondTheShardsStandBy() throws {
        var driver = try CoordinatorDriver(shards: 2, minWorkers: 3)
        for life in 1...3 { driver.join(UInt64(life)) }
        #expect((1...3).map { driver.held(UInt64($0)).count } == [1, 1, 0])
    }

    @Test func theWorkersStayUntilTheResultsAreWritten() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.answer(1)
        #expect(driver.select(0, converged: true).sent(to: 1).isEmpty)
        // Nothing that happens now changes the end, and whoever asks is answered.
        #expect(driver.step(.stopRequested(reason: "x")).isEmpty)
        #expect(driver.step(.workersGone(reason: "x")).isEmpty)
        #expect(driver.beat(1, weights: 0).sent(to: 1) == [.alive])
        #expect(driver.join(2).sent(to: 2).count == 2)
        #expect(driver.pass(.seconds(60)).outcome == nil)
        let failed = driver.step(.shellFailed(SelMixError(.failed, "the disk is full")))
        #expect(failed.outcome == .failed(SelMixError(.failed, "the disk is full")))
    }

    @Test(arguments: [true, false])
    func anEndTellsTheWorkers(byPerson: Bool) throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        let ended = driver.step(byPerson ? .stopRequested(reason: "x") : .shellFailed(SelMixError(.failed, "x")))
        #expect(ended.outcome == (byPerson ? .interrupted(reason: "x") : .failed(SelMixError(.failed, "x"))))
        guard case .release? = ended.sent(to: 1).first else {
            Issue.record("it is not told")
            return
        }
        #expect(driver.step(.tick).isEmpty)
    }
}
