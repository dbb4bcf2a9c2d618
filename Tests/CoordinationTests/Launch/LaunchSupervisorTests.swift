import Testing

@testable import Coordination

@Suite struct LaunchSupervisorTests {
    private func at(_ seconds: Double) -> Instant { .origin + .seconds(seconds) }

    private func supervisor() -> LaunchSupervisor {
        var supervisor = LaunchSupervisor(
            workers: [("a-1", "a"), ("a-2", "a"), ("b-1", "b")], at: at(0))
        #expect(
            supervisor.step(.tick, at: at(0)) == [
                .start(worker: "a-1", host: "a"), .start(worker: "a-2", host: "a"), .start(worker: "b-1", host: "b"),
            ])
        return supervisor
    }

    private func withoutWords(_ directives: [LaunchSupervisor.Directive]) -> [LaunchSupervisor.Directive] {
        directives.filter { if case .tell = $0 { false } else { true } }
    }

    @Test func aLostWorkerIsStartedAgainAfterLongerAndLongerWaits() {
        var supervisor = supervisor()
        var now = 1.0
        for wait in [1.0, 2, 4, 8, 16, 30, 30] {
            #expect(
                supervisor.step(.workerEnded("a-2", .init(.signaled(9))), at: at(now)) == [
                    .tell("a-2 was ended by signal 9 (SIGKILL); starting it again in \(Int(wait)) s")
                ])
            #expect(supervisor.nextDeadline == at(now + wait))
            #expect(supervisor.step(.tick, at: at(now + wait - 0.01)).isEmpty)
            now += wait
            #expect(supervisor.step(.tick, at: at(now)) == [.start(worker: "a-2", host: "a")])
        }
        // One that has run for long begins anew.
        #expect(
            supervisor.step(.workerEnded("a-2", .init(.exited(1))), at: at(now + 31)) == [
                .tell("a-2 ended with status 1; starting it again in 1 s")
            ])
    }

    @Test func aWorkerThatAlwaysFailsIsLeftOut() {
        var supervisor = supervisor()
        var now = 1.0
        var starts = 0
        for _ in 0..<LaunchSupervisor.mostFailures {
            _ = supervisor.step(.workerEnded("b-1", .init(.exited(4), complaint: "no word")), at: at(now))
            now += 29
            starts += withoutWords(supervisor.step(.tick, at: at(now + 2))).count
        }
        #expect(starts == LaunchSupervisor.mostFailures - 1)
        #expect(supervisor.nextDeadline == nil)
    }

    @Test func badDataIsNotTriedAgain() {
        var supervisor = supervisor()
        #expect(
            supervisor.step(.workerEnded("b-1", .init(.exited(3), complaint: "gone")), at: at(1)) == [
                .tell("b-1 failed (gone); it is left out")
            ])
        _ = supervisor.step(.workerEnded("a-1", .init(.exited(3), complaint: "gone")), at: at(1))
        #expect(
            supervisor.step(.workerEnded("a-2", .init(.exited(3), complaint: "gone too")), at: at(1)).last
                == .gone(reason: "a-2 failed (gone too)", left: false))
        #expect(supervisor.step(.tick, at: at(2)).isEmpty)
    }

    @Test func aLostHostTakesItsWorkersAlong() {
        var supervisor = supervisor()
        #expect(
            supervisor.step(.disconnected(host: "a", reason: "no word"), at: at(5)) == [
                .tell("lost a (no word); trying again in 1 s")
            ])
        // What its workers did is of no interest any more.
        #expect(supervisor.step(.workerEnded("a-1", .init(.signaled(9))), at: at(5.5)).isEmpty)
        #expect(supervisor.step(.tick, at: at(6)) == [.connect(host: "a")])
        #expect(
            supervisor.step(.disconnected(host: "a", reason: "no route"), at: at(7)) == [
                .tell("a is not back (no route); trying again in 2 s")
            ])
        #expect(supervisor.step(.tick, at: at(9)) == [.connect(host: "a")])
        #expect(
            supervisor.step(.connected(host: "a"), at: at(10)) == [
                .tell("a is back"), .start(worker: "a-1", host: "a"), .start(worker: "a-2", host: "a"),
            ])
    }

    @Test func workersThatLeftInPeaceAreNotStartedAgain() {
        var supervisor = supervisor()
        #expect(supervisor.step(.workerEnded("a-1", .init(.exited(0))), at: at(1)).isEmpty)
        #expect(supervisor.step(.workerEnded("a-2", .init(.exited(0))), at: at(1)).isEmpty)
        // Nothing waits for a host that has nothing to do.
        #expect(supervisor.step(.disconnected(host: "a", reason: "x"), at: at(2)).isEmpty)
        #expect(
            supervisor.step(.workerEnded("b-1", .init(.exited(0))), at: at(3)) == [
                .gone(reason: "all workers have left", left: false)
            ])
        #expect(supervisor.step(.tick, at: at(100)).isEmpty)
    }

    @Test func hostsThatAreToldToLeaveEndTheRunInPeace() {
        var supervisor = supervisor()
        #expect(
            supervisor.step(.leaving(host: "a", reason: "SIGTERM"), at: at(1)) == [.tell("a is leaving: SIGTERM")])
        // However they ended.
        #expect(supervisor.step(.workerEnded("a-1", .init(.signaled(9))), at: at(2)).isEmpty)
        #expect(supervisor.step(.disconnected(host: "a", reason: "x"), at: at(3)).isEmpty)
        _ = supervisor.step(.leaving(host: "b", reason: "SIGTERM"), at: at(4))
        #expect(
            supervisor.step(.workerEnded("b-1", .init(.exited(0))), at: at(5)) == [
                .gone(reason: "SIGTERM", left: true)
            ])
    }
}

@Suite struct WorkerPlacementTests {
    @Test func givenSlotsAreFilledAndOthersShareTheRest() {
        #expect(WorkerPlacement.workers([(2, 64), (nil, 4), (nil, 64)], shards: 8) == [2, 3, 3])
        #expect(WorkerPlacement.workers([(nil, 1), (nil, 2), (nil, 64)], shards: 8) == [1, 2, 5])
        #expect(WorkerPlacement.workers([(nil, 2), (nil, 2)], shards: 8) == [2, 2])
        #expect(WorkerPlacement.workers([(12, 4), (nil, 4)], shards: 8) == [12, 0])
        #expect(WorkerPlacement.workers([], shards: 8) == [])
        // A host that does not know its cores has one.
        #expect(WorkerPlacement.workers([(nil, 0)], shards: 8) == [1])
    }
}
