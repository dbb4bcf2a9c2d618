import Common
import Testing

@testable import Coordination

@Suite struct ReductionTests {
    private let halves = [TreeNode(0, 2), TreeNode(2, 4)]

    /// Workers that sum two pieces among themselves, at the first step. The first two have [0, 2) and [2, 4), if they are all.
    private func grouped(_ workers: Int = 2, shards: Int = 4, steps: Int = 9) throws -> CoordinatorDriver {
        var driver = try CoordinatorDriver(shards: shards, steps: steps, minWorkers: workers, pieces: 2)
        for life in 1...workers { driver.join(UInt64(life)) }
        for life in 1...workers { driver.answer(UInt64(life)) }
        driver.select(0)
        return driver
    }

    /// Everything that a step of two workers needs.
    @discardableResult
    private func complete(_ step: Int, _ driver: inout CoordinatorDriver) -> [CoordinatorDirective] {
        driver.answer(1)
        driver.answer(2)
        driver.sum(1, 0, of: step, from: halves)
        return driver.sum(2, 1, of: step, from: halves)
    }

    /// Contributions come, and then no sum. Everybody is alive.
    private func missSums(_ driver: inout CoordinatorDriver) -> [CoordinatorDirective] {
        for life in [1, 2] as [UInt64] {
            driver.answer(life)
            driver.beat(life)
        }
        driver.pass(.seconds(1))
        for life in [1, 2] as [UInt64] { driver.beat(life) }
        return driver.pass(.seconds(1))
    }

    // MARK: Groups that work

    @Test func aGroupIsFormedForEveryStepAndTold() throws {
        var driver = try CoordinatorDriver(steps: 2, minWorkers: 2, pieces: 2)
        driver.join(1)
        driver.join(2)
        driver.answer(1)
        #expect(driver.held(2).map(\.group) == [nil], "a validation has no gradient")
        driver.answer(2)
        let first = driver.select(0)
        #expect(first.records.contains(.reduction(members: ["w1", "w2"], reason: "")))
        let group = try #require(first.assignments.first?.assignment.group)
        #expect(group.members.map(\.life.rawValue) == [1, 2])
        #expect(group.members.map(\.address) == ["tcp://w1", "tcp://w2"])
        #expect(first.assignments.map(\.assignment.group) == [group, group])
        complete(0, &driver)
        let second = driver.apply(0)
        #expect(second.assignments.map(\.assignment.group) == [group, group])
        #expect(!second.records.contains { if case .reduction = $0 { true } else { false } }, "nothing has changed")
    }

    @Test func whoCannotBeReachedOrIsAloneSumsWithNobody() throws {
        var driver = try CoordinatorDriver(minWorkers: 2, pieces: 2)
        driver.join(1)
        driver.greet(2)
        driver.beat(2, isReachable: false)
        driver.answer(1)
        driver.answer(2)
        let dealt = driver.select(0)
        #expect(dealt.assignments.map(\.assignment.group) == [nil, nil])
        #expect(dealt.records.contains(.reduction(members: [], reason: "other workers cannot reach w2")))
        driver.answer(1)
        #expect(driver.answer(2).contains(.applyStep(StepIndex(0))))

        var alone = try CoordinatorDriver(pieces: 2)
        alone.join(1)
        alone.answer(1)
        #expect(alone.select(0).records.contains(.reduction(members: [], reason: "a group needs two workers")))
        #expect(alone.answer(1).contains(.applyStep(StepIndex(0))))
    }

    @Test func whoHasNoShardsIsNotOfTheGroup() throws {
        let driver = try grouped(3, shards: 2)
        #expect(driver.held(1).first?.group?.members.map(\.life.rawValue) == [1, 2])
    }

    @Test(arguments: [true, false])
    func aStepNeedsContributionsAndSums(sumsFirst: Bool) throws {
        var driver = try grouped()
        if sumsFirst {
            #expect(driver.sum(2, 1, of: 0, from: halves) == [.keepSum(1)])
            #expect(driver.sum(1, 0, of: 0, from: halves) == [.keepSum(0)])
            #expect(driver.answer(1) == [.keep(halves[0])])
            #expect(driver.answer(2) == [.keep(halves[1]), .applyStep(StepIndex(0))])
        } else {
            driver.answer(2)
            #expect(driver.answer(1) == [.keep(halves[0])])
            #expect(driver.sum(1, 0, of: 0, from: halves) == [.keepSum(0)])
            #expect(driver.sum(2, 1, of: 0, from: halves) == [.keepSum(1), .applyStep(StepIndex(0))])
        }
        #expect(driver.apply(0).assignments.count == 2)
    }

    @Test func aSumThatNobodyWaitsForIsIgnored() throws {
        var driver = try grouped()
        #expect(driver.sum(2, 0, of: 0, from: halves).isEmpty, "w1 sums it")
        #expect(driver.sum(1, 0, of: 1, from: halves).isEmpty, "another step")
        #expect(driver.sum(1, 2, of: 0, from: halves).isEmpty, "there is no such piece")
        #expect(driver.sum(1, 0, of: 0, from: halves) == [.keepSum(0)])
        #expect(driver.sum(1, 0, of: 0, from: halves).isEmpty, "once is enough")
    }

    @Test func aHelperIsOfTheGroup() throws {
        var driver = try grouped(3, shards: 3)
        driver.join(4)
        driver.now = driver.now + .milliseconds(10)
        driver.answer(2)
        driver.now = driver.now + .milliseconds(100)
        // w4 is idle too, but the others do not know it.
        let copied = driver.step(.tick).assignments
        #expect(copied.map(\.life) == [2])
        #expect(copied.first?.assignment.group == driver.held(1).first?.group)
    }

    @Test func whoLeavesSumsItsStepAndPassesTheWeightsOn() throws {
        var driver = try grouped(3, shards: 3)
        let leaves = (0..<3).map { TreeNode.leaf(ShardID($0)) }
        driver.answer(1)
        driver.step(.received(.leaving(reason: "told to"), driver.header(1)))
        driver.answer(2)
        driver.answer(3)
        driver.sum(1, 0, of: 0, from: leaves)
        let done = driver.sum(2, 1, of: 0, from: leaves)
        #expect(done.contains(.applyStep(StepIndex(0))) && done.sent(to: 1).isEmpty)
        let next = driver.apply(0)
        #expect(next.assignments.map(\.life) == [2, 3])
        #expect(next.assignments.first?.assignment.group?.members.count == 2)
        #expect(next.sent(to: 1).isEmpty, "the others may not have the weights yet")
        driver.answer(2)
        #expect(driver.answer(3).sent(to: 1) == [.release(reason: "drained")])
    }

    @Test func weightsDoNotGoByWayOfWhoIsLost() throws {
        var driver = try grouped()
        complete(0, &driver)
        #expect(driver.core.group != nil)
        driver.step(.workerEnded("w1", WorkerEnd(.signaled(9))))
        #expect(driver.core.group == nil)
    }

    // MARK: Groups that fail

    @Test func aLostMemberEndsTheGroupForOneStep() throws {
        var driver = try grouped(3, shards: 3)
        let leaves = (0..<3).map { TreeNode.leaf(ShardID($0)) }
        let before = driver.held(1) + driver.held(2)
        driver.answer(1)
        driver.sum(1, 0, of: 0, from: leaves)
        let lost = driver.step(.workerEnded("w3", WorkerEnd(.signaled(9))))
        #expect(lost.records.contains(.reduction(members: [], reason: "a member was lost, in step 0")))
        #expect(lost.contains(.drop(leaves[0])) && lost.contains(.dropSums))
        // The same assignments, of who has answered too, and then what was w3's.
        #expect(lost.assignments.prefix(2).map(\.assignment) == before.map(\.toCoordinator))
        #expect(lost.assignments.dropFirst(2).map(\.assignment.shards) == [[ShardID(2)]])
        #expect(lost.assignments.allSatisfy { $0.assignment.group == nil })
        driver.answer(1)
        #expect(driver.answer(2).contains(.applyStep(StepIndex(0))))
        let next = driver.apply(0)
        #expect(next.records.contains(.reduction(members: ["w1", "w2"], reason: "")))
        #expect(next.assignments.allSatisfy { $0.assignment.group?.members.count == 2 })
    }

    @Test func whatWasSentToAGroupThatIsGivenUpSettlesNothing() throws {
        var driver = try grouped(3, shards: 3)
        let before = try #require(driver.held(1).first)
        driver.step(.workerEnded("w3", WorkerEnd(.signaled(9))))
        let late = driver.contribute(1, before, TreeNode(0, 1))
        guard case .dropped(_, "w1", let reason)? = late.records.first else {
            Issue.record("it counts: \(late)")
            return
        }
        #expect(reason == "not the way in which step 0 is summed" && late.count == 1)
        #expect(driver.held(1).map(\.number).contains(before.number))
        #expect(driver.sum(1, 0, of: 0, from: [TreeNode(0, 3)]).isEmpty)
        #expect(driver.answer(1).contains(.keep(TreeNode(0, 1))))
    }

    @Test func missingSumsEndTheGroup() throws {
        var driver = try grouped()
        driver.sum(1, 0, of: 0, from: halves)
        let failed = missSums(&driver)
        let reason = "no sums from w2: can all workers reach each other?, in step 0"
        #expect(failed.records.contains(.reduction(members: [], reason: reason)))
        #expect(failed.assignments.map(\.life) == [1, 2] && failed.contains(.dropSums))
        driver.answer(1)
        #expect(driver.answer(2).contains(.applyStep(StepIndex(0))))
    }

    @Test func groupsThatFailAgainAndAgainAreGivenUp() throws {
        var driver = try grouped()
        for step in 0..<3 {
            #expect(driver.held(1).first?.group != nil)
            #expect(missSums(&driver).contains(.dropSums))
            driver.answer(1)
            driver.answer(2)
            #expect(driver.core.phase == .computing(.train(StepIndex(step))))
            let next = driver.apply(step)
            let given = RunEvent.reduction(members: [], reason: "groups of workers have failed 3 times")
            #expect(next.records.contains(given) == (step == 2))
        }
        #expect(driver.held(1).map(\.group) == [nil])
    }

    @Test func aSumOfSomethingElseEndsTheGroup() throws {
        var driver = try grouped()
        driver.answer(1)
        driver.answer(2)
        driver.sum(1, 0, of: 0, from: [TreeNode(0, 4)])
        let failed = driver.sum(2, 1, of: 0, from: halves)
        let reason = "piece 0 was summed from something else than what counts, in step 0"
        #expect(failed.records.contains(.reduction(members: [], reason: reason)))
        #expect(failed.contains(.keepSum(1)) && failed.contains(.dropSums))
        driver.answer(1)
        #expect(driver.answer(2).contains(.applyStep(StepIndex(0))))
    }

    @Test func whatWasSummedOtherwiseIsComputedHereToo() throws {
        var driver = try grouped()
        driver.answer(1)
        driver.answer(2)
        driver.sum(1, 0, of: 0, from: halves)
        let second = driver.step(
            .received(
                .sum(
                    PieceSum(
                        step: StepIndex(0), index: 1,
                        parts: [halves[0]: driver.part(1, of: halves[0]), halves[1]: Digest(rawValue: 5)],
                        digest: Digest(rawValue: 1))), driver.header(2)))
        #expect(second.contains(.dropSums))
        driver.answer(1)
        let asked = driver.answer(2)
        #expect(asked.contains { if case .recompute = $0 { true } else { false } })
        #expect(driver.core.phase == .working(.train(StepIndex(0))))
    }

    @Test func twoWhoDifferEndTheGroupAndAreSettled() throws {
        var driver = try grouped()
        let node = TreeNode(2, 4)
        driver.now = driver.now + .milliseconds(10)
        driver.answer(1)
        driver.now = driver.now + .milliseconds(100)
        // w1 computes what w2 is slow with.
        let copy = try #require(driver.step(.tick).assignments.first?.assignment)
        let own = try #require(driver.held(2).first)
        driver.contribute(2, own, node, digest: 8)
        let failed = driver.contribute(1, copy, node, digest: 9)
        #expect(
            failed.records.contains(.reduction(members: [], reason: "w1 and w2 differ about [2, 4), in step 0")))
        #expect(failed.assignments.count == 3, "w1's own, its copy, and w2's")
        driver.answer(1, node: TreeNode(0, 2))
        // The first of the two must not be used before it is known who is right, though it would complete the step.
        let asked = driver.contribute(2, own.toCoordinator, node, digest: 8)
        #expect(asked.contains(.recompute(driver.core.assignment(0, node.shards, of: own.work, eachShard: false))))
        #expect(driver.contribute(1, copy.toCoordinator, node, digest: 9).isEmpty)
        #expect(driver.core.phase == .working(own.work))
        let settled = driver.step(
            .recomputed(
                Contribution(
                    assignment: 0, work: own.work, weights: own.weights, selection: own.selection, node: node,
                    digest: Digest(rawValue: 9), loss: 0)))
        #expect(settled.contains(.applyStep(StepIndex(0))))
        #expect(
            settled.records.contains { if case .quarantined(let found) = $0 { found.worker == "w2" } else { false } })
    }

    // MARK: Weights that do not come

    @Test func weightsThatWereNotPassedOnCountOnce() throws {
        var driver = try grouped(4)
        let leaves = (0..<4).map { TreeNode.leaf(ShardID($0)) }
        for life in 1...4 { driver.answer(UInt64(life)) }
        driver.sum(1, 0, of: 0, from: leaves)
        driver.sum(2, 1, of: 0, from: leaves)
        driver.apply(0)
        driver.now = driver.now + .milliseconds(1500)
        let repeated = (1...4).flatMap { driver.beat(UInt64($0), weights: 0) }
        #expect(repeated.count { if case .sendWeights = $0 { true } else { false } } == 4)
        #expect(driver.core.groupFailures == 1)
    }

    @Test func weightsThatALostWorkerWasToPassOnDoNotCount() throws {
        var driver = try grouped(3, shards: 3)
        let leaves = (0..<3).map { TreeNode.leaf(ShardID($0)) }
        for life in 1...3 { driver.answer(UInt64(life)) }
        driver.sum(1, 0, of: 0, from: leaves)
        driver.sum(2, 1, of: 0, from: leaves)
        driver.apply(0)
        driver.step(.workerEnded("w1", WorkerEnd(.signaled(9))))
        driver.now = driver.now + .milliseconds(1500)
        #expect(!driver.beat(2, weights: 0).assignments.isEmpty)
        #expect(driver.core.groupFailures == 0)
    }
}
