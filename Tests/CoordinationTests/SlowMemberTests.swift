import Common
import Testing

@testable import Coordination

/// One worker with a slow link must not hold up all: it sits groups out for a while, and the coordinator sums where that is faster.
@Suite struct SlowMemberTests {
    private func grouped(_ workers: Int, shards: Int) throws -> CoordinatorDriver {
        var driver = try CoordinatorDriver(shards: shards, steps: 900, minWorkers: workers, pieces: 2)
        for life in 1...workers { driver.join(UInt64(life)) }
        for life in 1...workers { driver.answer(UInt64(life)) }
        driver.select(0)
        return driver
    }

    private func members(_ directives: [CoordinatorDirective]) -> [UInt64]? {
        directives.assignments.first?.assignment.group?.members.map(\.life.rawValue)
    }

    @Test func whoFallsSilentInAGroupSitsTheNextOnesOut() throws {
        var driver = try grouped(3, shards: 3)
        driver.now = driver.now + .seconds(1)
        for life in [1, 2] as [UInt64] { driver.beat(life) }
        driver.now = driver.now + .seconds(1)
        for life in [1, 2] as [UInt64] { driver.beat(life) }
        let lost = driver.step(.tick)
        #expect(lost.contains(.dropSums))
        driver.answer(1)
        driver.answer(2)
        // Back at once, as another life of the same name.
        driver.greet(4, name: "w3")
        driver.step(
            .received(
                .heartbeat(
                    Heartbeat(
                        phase: .ready(probe: CoordinatorDriver.probe), blocks: 0, weights: nil, holding: [],
                        peerAddress: "tcp://w3")), driver.header(4, name: "w3")))
        let next = driver.apply(0)
        #expect(members(next) == [1, 2])
        #expect(next.assignments.map(\.life) == [1, 2], "who cannot be of the group stands by")

        // Its time comes again.
        for life in [1, 2] as [UInt64] { driver.answer(life) }
        let nodes = driver.core.ledger.entries.map(\.node)
        driver.sum(1, 0, of: 1, from: nodes)
        driver.sum(2, 1, of: 1, from: nodes)
        #expect(driver.core.phase == .computing(.train(StepIndex(1))))
        driver.now = driver.now + .seconds(20)
        #expect(members(driver.apply(1)) == [1, 2, 4])
    }

    private func heartbeat(_ address: String) -> Heartbeat {
        Heartbeat(
            phase: .ready(probe: CoordinatorDriver.probe), blocks: 0, weights: nil, holding: [], peerAddress: address)
    }

    /// Two workers, the second of which answers nothing in time: the first computes all, and there are no more groups.
    @Test func whoHoldsTheOtherUpIsLeftOut() throws {
        var driver = try grouped(2, shards: 4)
        driver.now = driver.now + .milliseconds(10)
        driver.answer(1)
        driver.now = driver.now + .milliseconds(100)
        // w1 computes what w2 is slow with.
        #expect(driver.step(.tick).assignments.map(\.life) == [1])
        driver.answer(1)
        driver.sum(1, 0, of: 0, from: driver.core.ledger.entries.map(\.node))
        driver.beat(1, blocks: 1)
        driver.beat(2, blocks: 1, holding: driver.held(2).map(\.number))
        driver.now = driver.now + .milliseconds(1900)
        driver.beat(1, blocks: 2)
        driver.beat(2, blocks: 2, holding: driver.held(2).map(\.number))
        let failed = driver.pass(.milliseconds(200))
        #expect(failed.contains(.dropSums))
        let late = driver.held(2)
        driver.answer(1)
        #expect(driver.core.phase == .computing(.train(StepIndex(0))))
        #expect(members(driver.apply(0)) == nil)
        // It gets there at last, and is given work again, but is of no group.
        driver.now = driver.now + .milliseconds(1500)
        driver.answer(1)
        driver.apply(1)
        for assignment in late {
            for node in assignment.toCoordinator.nodes(shards: 4) {
                driver.contribute(2, assignment.toCoordinator, node)
            }
        }
        driver.beat(1, blocks: 3)
        driver.beat(2, blocks: 3)
        driver.answer(1)
        let next = driver.apply(2)
        #expect(next.assignments.map(\.life) == [1, 2])
        #expect(next.records.contains(.reduction(members: [], reason: "w2 would hold the others up")))
    }

    @Test func sumsAreWaitedForAsLongAsSumsTake() throws {
        var driver = try grouped(2, shards: 4)
        let halves = [TreeNode(0, 2), TreeNode(2, 4)]
        for life in [1, 2] as [UInt64] { driver.beat(life) }
        driver.now = driver.now + .seconds(1)
        driver.answer(1)
        driver.answer(2)
        driver.sum(1, 0, of: 0, from: halves)
        driver.sum(2, 1, of: 0, from: halves)
        driver.apply(0)
        driver.answer(1)
        driver.answer(2)
        // Computing took a second, and sums nothing.
        #expect(driver.core.groupDeadline == driver.now + .seconds(2))
        driver.now = driver.now + .seconds(1)
        driver.sum(1, 0, of: 1, from: halves)
        driver.sum(2, 1, of: 1, from: halves)
        driver.apply(1)
        driver.answer(1)
        driver.answer(2)
        #expect(driver.core.groupDeadline == driver.now + .seconds(4))
    }

    @Test func groupsThatFailedAreTriedAgainLater() throws {
        var driver = try grouped(2, shards: 4)
        for step in 0..<3 {
            for life in [1, 2] as [UInt64] {
                driver.answer(life)
                driver.beat(life)
            }
            driver.pass(.seconds(1))
            for life in [1, 2] as [UInt64] { driver.beat(life) }
            driver.pass(.seconds(1))
            driver.answer(1)
            driver.answer(2)
            driver.apply(step)
        }
        #expect(driver.held(1).map(\.group) == [nil])
        driver.answer(1)
        driver.answer(2)
        driver.now = driver.now + .seconds(20)
        #expect(members(driver.apply(3)) == [1, 2])
    }
}

@Suite struct GroupStandingTests {
    @Test func eachFailureKeepsAWorkerOutForTwiceAsLong() {
        var standing = GroupStanding()
        var now = Instant.origin
        for seconds in [10, 20, 40, 80] {
            standing.noteFailure(of: "w", at: now, rest: .seconds(10))
            // What fails again meanwhile is the same failure.
            standing.noteFailure(of: "w", at: now + .seconds(1), rest: .seconds(10))
            #expect(standing.isOut("w", at: now + .seconds(seconds) - .milliseconds(1)))
            now = now + .seconds(seconds)
            #expect(!standing.isOut("w", at: now))
        }
        #expect(!standing.isOut("other", at: .origin))
    }

    @Test func aHundredGoodStepsMakeUpForIt() {
        var standing = GroupStanding()
        standing.noteFailure(of: "w", at: .origin, rest: .seconds(10))
        for _ in 0..<100 { standing.noteSuccess(of: ["w"]) }
        standing.noteFailure(of: "w", at: .origin + .seconds(100), rest: .seconds(10))
        #expect(!standing.isOut("w", at: .origin + .seconds(110)))
    }
}

@Suite struct SummingChoiceTests {
    /// Takes steps that last as long as they do in each way.
    private func take(
        _ steps: Int, group: Duration, coordinator: Duration, _ choice: inout SummingChoice
    ) -> (ways: [SummingChoice.Way], time: Duration) {
        var ways: [SummingChoice.Way] = []
        var time = Duration.zero
        for _ in 0..<steps {
            ways.append(choice.current)
            let step = choice.current == .group ? group : coordinator
            time += step
            choice.note(step, by: choice.current)
        }
        return (ways, time)
    }

    @Test func theFasterWayIsFound() {
        var choice = SummingChoice(patience: .seconds(20))
        let (ways, time) = take(300, group: .seconds(2), coordinator: .milliseconds(100), &choice)
        #expect(ways.last == .coordinator)
        #expect(time < .seconds(60), "\(time)")
        // And back, when it is the other.
        let (later, _) = take(300, group: .milliseconds(20), coordinator: .milliseconds(100), &choice)
        #expect(later.last == .group)
    }

    @Test func groupsAreKeptWhereTheyAreAsFast() {
        var choice = SummingChoice(patience: .seconds(20))
        let (ways, time) = take(5000, group: .milliseconds(100), coordinator: .milliseconds(110), &choice)
        #expect(ways.prefix(64).allSatisfy { $0 == .group }, "a short run has no trials")
        let tried = ways.count { $0 == .coordinator }
        #expect((1...40).contains(tried), "\(tried) steps of trials")
        #expect(time < .milliseconds(100) * 5000 * 1.01)
    }

    @Test func aHopelessTrialIsBrokenOff() {
        var choice = SummingChoice(patience: .seconds(20))
        let (ways, _) = take(100, group: .milliseconds(100), coordinator: .seconds(5), &choice)
        #expect(ways.count { $0 == .coordinator } == 2)
    }

    @Test func whatCannotBeTriedIsTriedLater() {
        var choice = SummingChoice(patience: .seconds(20))
        _ = take(300, group: .seconds(2), coordinator: .milliseconds(100), &choice)
        #expect(choice.current == .coordinator)
        // From here on there are too few workers for a group.
        for _ in 0..<1000 { choice.note(.milliseconds(100), by: .coordinator) }
        #expect(choice.current == .coordinator)
    }
}
