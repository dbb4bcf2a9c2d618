import Common
import Testing

@testable import Coordination

@Suite struct MembershipTests {
    @Test func aWorkerIsWelcomedAndThenReady() throws {
        var driver = try CoordinatorDriver()
        let greeted = driver.greet(1)
        guard case .welcome(let welcome)? = greeted.sent(to: 1).first else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.shards == 4 && welcome.instructionSet == "avx512")
        #expect(welcome.heartbeatInterval == .milliseconds(400))
        // Loading is no reason to give it work, nor to give it up while it is heard.
        #expect(driver.beat(1, ready: false).assignments.isEmpty)
        let ready = driver.beat(1)
        #expect(ready.assignments.map(\.life) == [1])
    }

    @Test func aLostWelcomeIsRepeated() throws {
        var driver = try CoordinatorDriver()
        let first = driver.greet(1)
        let second = driver.greet(1)
        #expect(first.sent(to: 1) == second.sent(to: 1))
        #expect(second.records.isEmpty)
    }

    private func refusal(_ directives: [CoordinatorDirective], to life: UInt64) -> (reason: String, retry: Bool)? {
        for case .refused(let reason, let retry) in directives.sent(to: life) { return (reason, retry) }
        return nil
    }

    @Test func otherVersionsAndLibrariesAreRefusedForGood() throws {
        var driver = try CoordinatorDriver()
        var hello = CoordinatorDriver.hello
        hello.version = "0.9"
        let version = try #require(refusal(driver.greet(1, hello: hello), to: 1))
        #expect(!version.retry && version.reason.contains("selmix 0.9"))

        hello = CoordinatorDriver.hello
        hello.matrixLibrary = "2.6"
        let library = try #require(refusal(driver.greet(2, hello: hello), to: 2))
        #expect(!library.retry && library.reason.contains("oneDNN 2.6"))

        var header = driver.header(3)
        header.protocolVersion += 1
        let wire = try #require(refusal(driver.step(.received(.hello(CoordinatorDriver.hello), header)), to: 3))
        #expect(!wire.retry)

        header = driver.header(4, runID: RunID(high: 9, low: 9))
        let run = try #require(refusal(driver.step(.received(.hello(CoordinatorDriver.hello), header)), to: 4))
        #expect(!run.retry && run.reason.contains("belongs to run"))
        #expect(driver.core.workers.isEmpty)
    }

    @Test func otherRoundingIsRefusedOnceItShows() throws {
        var driver = try CoordinatorDriver()
        driver.greet(1)
        let heartbeat = Heartbeat(phase: .ready(probe: Digest(rawValue: 8)), blocks: 0, weights: nil, holding: [])
        let refused = try #require(refusal(driver.step(.received(.heartbeat(heartbeat), driver.header(1))), to: 1))
        #expect(!refused.retry && refused.reason.contains("rounds differently"))
        #expect(driver.core.workers.isEmpty)
    }

    @Test func aTakenNameMayBecomeFree() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        let refused = try #require(refusal(driver.greet(2, name: "w1"), to: 2))
        #expect(refused.retry)
        driver.pass(.seconds(2))
        #expect(driver.greet(2, name: "w1").sent(to: 2).count == 1)
        #expect(driver.core.workers.count == 1)
    }

    @Test func silenceEndsALease() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.join(2)
        driver.pass(.milliseconds(1900))
        driver.beat(1, blocks: 1, holding: driver.held(1).map(\.number))
        let lost = driver.pass(.milliseconds(100))
        #expect(lost.records.contains { if case .workerLost("w2", _, _) = $0 { true } else { false } })
        #expect(driver.core.workers.count == 1)
        guard case .rejoin? = lost.sent(to: 2).first else {
            Issue.record("it is not told")
            return
        }
    }

    @Test func anEndThatTheLauncherSawNeedsNoLease() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.join(2)
        let held = driver.held(1).flatMap(\.shards)
        #expect(!held.isEmpty)
        let lost = driver.step(.workerEnded("w1", WorkerEnd(.signaled(9))))
        #expect(
            lost.records.contains {
                $0
                    == .workerLost(
                        "w1", Incarnation(rawValue: 1), reason: "its process was ended by signal 9 (SIGKILL)")
            })
        // What it held goes to the other at once, and a new start under its name is welcome.
        #expect(Set(driver.held(2).flatMap(\.shards)).isSuperset(of: held))
        guard case .welcome? = driver.greet(3, name: "w1").sent(to: 3).first else {
            Issue.record("the new start waits")
            return
        }
        let ready = driver.core.workers.count
        #expect(driver.step(.workerEnded("nobody", WorkerEnd(.exited(0)))).isEmpty)
        #expect(driver.core.workers.count == ready)
    }

    @Test func aLifeThatWasGivenUpNeverComesBack() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.pass(.seconds(2))
        #expect(driver.core.workers.isEmpty)
        for directives in [driver.greet(1), driver.beat(1)] {
            guard case .rejoin? = directives.sent(to: 1).first else {
                Issue.record("not told to rejoin")
                return
            }
        }
        #expect(driver.core.workers.isEmpty)
    }

    @Test func strangersAreAnsweredOnlyWhenTheyBeat() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        let contribution = Contribution(
            assignment: 1, work: .validate(RoundIndex(0)), weights: WeightsVersion(0), selection: Digest(rawValue: 0),
            node: TreeNode(0, 4), digest: Digest(rawValue: 1), loss: 0)
        let unknown = driver.header(9)
        #expect(driver.step(.received(.contribution(contribution), unknown)).isEmpty)
        #expect(driver.step(.received(.leaving(reason: ""), unknown)).isEmpty)
        // Neither does a message of an earlier epoch or another run count.
        for header in [driver.header(1, epoch: 0), driver.header(1, runID: RunID(high: 9, low: 9))] {
            #expect(driver.step(.received(.contribution(contribution), header)).isEmpty)
        }
        #expect(driver.beat(9).sent(to: 9).count == 1)
    }

    @Test func aRunWithTooFewWorkersGivesUp() throws {
        var driver = try CoordinatorDriver(minWorkers: 2)
        driver.join(1)
        for _ in 0..<24 {
            driver.now = driver.now + .milliseconds(400)
            driver.beat(1)
        }
        #expect(driver.pass(.milliseconds(300)).outcome == nil)
        guard case .failed(let error)? = driver.pass(.milliseconds(100)).outcome else {
            Issue.record("no end")
            return
        }
        #expect(error.code == .cluster && error.message.contains("1 of 2 workers ready"))
        #expect(driver.core.nextDeadline == nil)
    }
}
