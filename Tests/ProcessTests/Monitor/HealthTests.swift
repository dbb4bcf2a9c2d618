import Foundation
import Testing

/// What becomes of real workers shows in `status` and in the metrics alike, with a reason that a person understands.
@Suite struct HealthTests {
    private struct Stage {
        let folder = try! TemporaryFolder()
        let run: RunFolder
        let train: RunningProgram
        let watched: Watched

        init(workers: Int, _ more: [String] = []) throws {
            let run = RunFolder(path: folder.path("run"))
            let train = try RunningProgram(endlessJob(output: run.path, workers: workers) + more)
            try eventually("step 50: \(train.errors)") { run.lastStep >= 50 }
            (self.run, self.train) = (run, train)
            watched = try Watched(run)
        }

        /// A worker as `selmix status --json` tells it.
        func status(_ name: String) throws -> [String: Any] {
            let answer = try Program.run("status", run.path, "--json")
            let told = try #require(
                JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any], "\(answer.errors)")
            let workers = told["workers"] as? [[String: Any]] ?? []
            return try #require(workers.first { $0["name"] as? String == name })
        }

        /// Waits until a worker is in a state, in the metrics first and in `status` then.
        func waits(_ name: String, _ state: String) throws -> String {
            try eventually("\(name) to be \(state)") { try watched.worker(name)?["state"] as? String == state }
            return try #require(try status(name)["reason"] as? String)
        }

        func end() {
            train.send(SIGINT)
            #expect(train.waitForExit() == 130)
        }
    }

    @Test func aStoppedWorkerIsSuspectThenLostThenBack() throws {
        let stage = try Stage(workers: 2, ["--set", "cluster.failureTimeout=10s"])
        let sleeper = try #require(stage.run.workers["local-1"])
        kill(sleeper, SIGSTOP)
        let suspicion = try stage.waits("local-1", "suspect")
        #expect(suspicion.hasPrefix("no word from it for ") && suspicion.hasSuffix("after 10 s it is given up"))
        #expect(
            try stage.watched.metrics("selmix_worker_state{state=\"suspect\",worker=\"local-1\"} ").first?.last == "1")
        #expect(try stage.watched.json("run")["health"] as? String == "degraded")
        let loss = try stage.waits("local-1", "lost")
        #expect(loss.hasPrefix("silent for "))
        #expect(try stage.watched.metrics("selmix_workers{state=\"lost\"} ") == ["selmix_workers{state=\"lost\"} 1"])
        #expect(try stage.watched.metrics("selmix_incidents_total{kind=\"lost\"} ").first?.last == "1")
        let problems = try stage.watched.json("run")["problems"] as? [String] ?? []
        #expect(problems.contains { $0.hasPrefix("local-1 was lost: silent for ") })
        kill(sleeper, SIGCONT)
        try eventually("local-1 to be back") { try stage.watched.worker("local-1")?["state"] as? String == "computing" }
        stage.end()
    }

    @Test func aKilledWorkerIsLost() throws {
        let stage = try Stage(workers: 2)
        kill(try #require(stage.run.workers["local-2"]), SIGKILL)
        #expect(try stage.waits("local-2", "lost") == "its process was ended by signal 9 (SIGKILL)")
        let events = try stage.watched.json("events")["events"] as? [[String: Any]] ?? []
        #expect(events.contains { $0["event"] as? String == "worker-lost" && $0["worker"] as? String == "local-2" })
        stage.end()
    }

    /// A disk that is full for checkpoints alone: the run goes on, everyone is told, and it is over when there is room again.
    /// Needs the right to mount; `scripts/test --all` as root gives it.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["SELMIX_TEST_MOUNT"] != nil, "needs root: scripts/test --all"))
    func aFullDiskForCheckpointsIsTold() throws {
        let stage = try Stage(workers: 2)
        let checkpoints = stage.run.path + "/checkpoints"
        try #require(system("mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", checkpoints))
        var isMounted = true
        defer { if isMounted { _ = system("umount", checkpoints) } }
        func problems() throws -> [String] { try stage.watched.json("run")["problems"] as? [String] ?? [] }
        try eventually("the problem") {
            try problems().contains { $0.hasPrefix("the last checkpoint could not be written: ") }
        }
        let told = try problems()
        #expect(told.contains { $0.contains("No space left") }, "\(told)")
        #expect(try stage.watched.json("run")["health"] as? String == "degraded")
        #expect(try stage.watched.metrics("selmix_checkpoint_failed ") == ["selmix_checkpoint_failed 1"])
        let text = try Program.run("status", stage.run.path)
        #expect(text.output.contains("the last checkpoint could not be written"), "\(text.output)")
        let step = stage.run.lastStep
        try eventually("more steps") { stage.run.lastStep > step + 100 }
        isMounted = !system("umount", "--lazy", checkpoints)
        try #require(!isMounted)
        try eventually("a checkpoint") { try stage.watched.metrics("selmix_checkpoint_failed ").first?.last == "0" }
        stage.end()
    }

    /// A tenth of the time, by stopping it for the rest.
    @Test func aThrottledWorkerIsSlowAndSaysWhy() throws {
        let stage = try Stage(workers: 4, ["--set", "cluster.failureTimeout=10s"])
        let slow = try #require(stage.run.workers["local-3"])
        var reason = ""
        try eventually("local-3 to be slow") {
            for _ in 0..<5 {
                kill(slow, SIGSTOP)
                usleep(180_000)
                kill(slow, SIGCONT)
                usleep(20_000)
            }
            let worker = try stage.watched.worker("local-3")
            reason = worker?["reason"] as? String ?? ""
            return worker?["state"] as? String == "slow" && reason.contains("of a processor")
        }
        #expect(reason.contains("times the median of") && reason.contains("while it works it gets"), "\(reason)")
        #expect(try stage.watched.json("run")["stragglers"] as? [String] == ["local-3"])
        let score = try stage.watched.metrics("selmix_worker_straggler_ratio{worker=\"local-3\"} ").first
        #expect(score?.split(separator: " ").last.flatMap { Double($0) } ?? 0 > 1.5)
        stage.end()
    }

    @Test func aFullDiskIsToldWhileTheRunGoesOn() throws {
        let stage = try Stage(workers: 2)
        // A file in the way of what is written aside fails as a full disk does, for root too.
        try FileManager.default.removeItem(atPath: stage.run.path + "/checkpoints")
        try Data().write(to: URL(fileURLWithPath: stage.run.path + "/checkpoints"))
        try eventually("a checkpoint to fail") {
            (try stage.watched.json("run")["checkpoint"] as? [String: Any])?["error"] != nil
        }
        let run = try stage.watched.json("run")
        #expect(run["health"] as? String == "degraded")
        #expect((run["problems"] as? [String])?.first?.hasPrefix("the last checkpoint could not be written: ") == true)
        #expect(try stage.watched.metrics("selmix_checkpoint_failed ") == ["selmix_checkpoint_failed 1"])
        #expect(try stage.watched.metrics("selmix_run_healthy ") == ["selmix_run_healthy 0"])
        let step = stage.run.lastStep
        try eventually("more steps") { stage.run.lastStep > step + 50 }
        try FileManager.default.removeItem(atPath: stage.run.path + "/checkpoints")
        try FileManager.default.createDirectory(
            atPath: stage.run.path + "/checkpoints", withIntermediateDirectories: true)
        try eventually("a checkpoint again") {
            (try stage.watched.json("run")["checkpoint"] as? [String: Any])?["error"] == nil
        }
        stage.end()
    }
}
