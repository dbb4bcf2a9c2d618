import Foundation
import Testing

/// What happens to a run when processes die, are stopped, or come late.
@Suite struct DisturbanceTests {
    @Test func aKilledWorkerChangesNothingInTheResult() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(longJob(output: undisturbed.path, workers: 1) + constantRate)
        try #require(plain.status == 0, "\(plain.errors)")

        let run = RunFolder(path: folder.path("disturbed"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 3))
        try eventually("step 200") { run.lastStep >= 200 }
        let victim = try #require(run.workers["local-2"])
        kill(victim, SIGKILL)
        try eventually("the loss of local-2") { !run.events("worker-lost").isEmpty }
        try eventually("as many steps as the other run has") { run.lastStep + 1 >= undisturbed.stepDigests.count }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130, "\(train.errors)")

        let lost = run.events("worker-lost")
        #expect(lost.map { $0["worker"] as? String } == ["local-2"])
        #expect((lost.first?["reason"] as? String)?.contains("SIGKILL") == true)
        #expect(Array(run.stepDigests.prefix(undisturbed.stepDigests.count)) == undisturbed.stepDigests)
    }

    @Test func aSuspendedWorkerIsGivenUpAndComesBackAsAnother() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(
            longJob(output: run.path, workers: 2) + [
                "--set", "selmix.rounds=20000", "--set", "cluster.failureTimeout=1s",
            ])
        try eventually("step 100") { run.lastStep >= 100 }
        let sleeper = try #require(run.workers["local-1"])
        kill(sleeper, SIGSTOP)
        try eventually("the loss of local-1") {
            run.events("worker-lost").contains { $0["worker"] as? String == "local-1" }
        }
        kill(sleeper, SIGCONT)
        try eventually("the return of local-1") {
            run.events("worker-ready").count { $0["worker"] as? String == "local-1" } >= 2
        }
        let incarnations = run.events("worker-joined").filter { $0["worker"] as? String == "local-1" }
            .compactMap { $0["incarnation"] as? String }
        #expect(Set(incarnations).count == incarnations.count)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func withoutWorkersTheRunFailsAndSaysWhy() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(longJob(output: run.path, workers: 1))
        try eventually("step 20") { run.lastStep >= 20 }
        kill(try #require(run.workers["local-1"]), SIGKILL)
        #expect(train.waitForExit() == 4)
        #expect(train.errors.contains("error: no worker is left: local-1 was ended by signal 9"))
    }

    @Test func anInterruptedRunLeavesItsBestHead() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(longJob(output: run.path, workers: 2) + ["--set", "selmix.rounds=20000"])
        try eventually("step 200") { run.lastStep >= 200 }
        let workers = run.workers.values
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
        #expect(train.errors.contains("error: the run was interrupted (SIGINT)"))
        #expect(try run.json("report.json")["outcome"] as? String == "interrupted")
        #expect(run.exists("head.safetensors") && run.exists("report.html"))
        for worker in workers { #expect(!isAlive(worker)) }
    }

    @Test func workersDieWithTheirParent() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(longJob(output: run.path, workers: 2) + ["--set", "selmix.rounds=20000"])
        try eventually("step 10") { run.lastStep >= 10 }
        let workers = run.workers.values
        #expect(workers.count == 2)
        train.send(SIGKILL)
        _ = train.waitForExit()
        try eventually("the end of the workers") { workers.allSatisfy { !isAlive($0) } }
    }

    @Test func workersComeAndGoOverTCP() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let arguments = longJob(output: run.path, workers: 1).dropFirst().filter { $0 != "--workers" && $0 != "1" }
        let coordinator = try RunningProgram(
            ["coordinator"] + arguments
                + ["--bind", "tcp://127.0.0.1:*", "--json", "--quiet", "--set", "selmix.rounds=20000"])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let connect = [
            "--connect", try #require(info["control"] as? String), "--connect-bulk",
            try #require(info["bulk"] as? String),
        ]
        let early = try RunningProgram(["worker", "--name", "early"] + connect)
        try eventually("step 20") { run.lastStep >= 20 }
        let late = try RunningProgram(["worker", "--name", "late"] + connect)
        try eventually("the late worker") { run.events("worker-ready").count == 2 }

        // The same name twice is refused as long as the first one lives.
        let twin = try RunningProgram(["worker", "--name", "late", "--patience", "3"] + connect)
        #expect(twin.waitForExit() == 4)
        #expect(twin.errors.contains("a worker named late is already there"))

        // SIGTERM drains: the worker hands over and leaves in peace, and the run goes on without a loss.
        early.send(SIGTERM)
        #expect(early.waitForExit() == 0, "\(early.errors)")
        let step = run.lastStep
        try eventually("more steps") { run.lastStep > step + 10 }
        #expect(run.events("worker-left").map { $0["worker"] as? String } == ["early"])
        #expect(run.events("worker-lost").isEmpty)
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
        #expect(late.waitForExit() == 0)
    }

    /// A worker that gets a tenth of the time: what it holds is computed by others too, and the bytes stay the same.
    @Test func aThrottledWorkerIsWorkedAround() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(longJob(output: undisturbed.path, workers: 2))
        try #require(plain.status == 0, "\(plain.errors)")

        let run = RunFolder(path: folder.path("run"))
        // The longer time-out is for busy machines, on which a tenth of the time may come late.
        let train = try RunningProgram(longJob(output: run.path, workers: 4) + ["--set", "cluster.failureTimeout=5s"])
        try eventually("the first step") { run.lastStep >= 0 }
        let slow = try #require(run.workers["local-3"])
        while train.isRunning {
            kill(slow, SIGSTOP)
            usleep(90_000)
            kill(slow, SIGCONT)
            usleep(10_000)
        }
        #expect(train.waitForExit() == 0, "\(train.errors)")
        #expect(run.events("copied").contains { ($0["reason"] as? String)?.contains("local-3 is slow") == true })
        #expect(run.events("worker-lost").isEmpty)
        #expect(run.stepDigests == undisturbed.stepDigests)
    }
}
