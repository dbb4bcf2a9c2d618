import Foundation
import Testing

/// A coordinator that dies is no loss: started again with the same job and output, it goes on, and its workers come back.
@Suite struct RestartTests {
    static let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    static func settings(output: String) -> [String] {
        [
            "--set", "output=\(output)", "--set", "batch=512", "--set", "selmix.rounds=40", "--set",
            "selmix.stepsPerRound=50",
        ]
    }

    @Test func theCoordinatorMayBeKilledAtAnyTime() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(["train", Self.job, "--workers", "2"] + Self.settings(output: undisturbed.path))
        try #require(plain.status == 0, "\(plain.errors)")

        let run = RunFolder(path: folder.path("run"))
        func start(bind: [String]) throws -> RunningProgram {
            try RunningProgram(["coordinator", Self.job, "--quiet"] + bind + Self.settings(output: run.path))
        }
        var coordinator = try start(bind: ["--bind", "tcp://127.0.0.1:*", "--bind-bulk", "tcp://127.0.0.1:*"])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let (control, bulk) = (try #require(info["control"] as? String), try #require(info["bulk"] as? String))
        let workers = try ["a", "b"].map {
            try RunningProgram(["worker", "--name", $0, "--connect", control, "--connect-bulk", bulk])
        }
        for step in [3, 120, 600, 1000] {
            try eventually("step \(step)") { run.lastStep >= step }
            coordinator.send(SIGKILL)
            _ = coordinator.waitForExit()
            coordinator = try start(bind: ["--bind", control, "--bind-bulk", bulk])
        }
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        for worker in workers { #expect(worker.waitForExit() == 0, "\(worker.errors)") }

        // Every step is in the log once, with the digest of the undisturbed run.
        #expect(run.events("step").compactMap { $0["step"] as? Int } == Array(0..<2000))
        #expect(run.stepDigests == undisturbed.stepDigests)
        #expect(run.events("resumed").count == 4)
        let (report, other) = (try run.json("report.json"), try undisturbed.json("report.json"))
        #expect(report["headDigest"] as? String == other["headDigest"] as? String)
        #expect(report["history"] as? NSArray == other["history"] as? NSArray)
        #expect(report["runID"] as? String == info["runID"] as? String)
        // The same two processes served all five starts.
        #expect(Set(run.events("worker-joined").compactMap { $0["processID"] as? Int }).count == 2)
    }

    @Test func trainGoesOnWhenAsked() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(["train", Self.job, "--workers", "1"] + Self.settings(output: undisturbed.path))
        try #require(plain.status == 0, "\(plain.errors)")

        let run = RunFolder(path: folder.path("run"))
        let arguments = ["train", Self.job, "--quiet"] + Self.settings(output: run.path)
        let first = try RunningProgram(arguments + ["--workers", "2"])
        try eventually("step 600") { run.lastStep >= 600 }
        first.send(SIGKILL)
        _ = first.waitForExit()

        let refused = try Program.run(arguments)
        #expect(refused.status == 1)
        #expect(refused.errors.contains("holds this run, unfinished"))
        let other = try Program.run(arguments + ["--resume", "--set", "seed=7"])
        #expect(other.status == 1)
        #expect(other.errors.contains("seed: 7 here, 0 there"), "\(other.errors)")

        let second = try RunningProgram(arguments + ["--workers", "3", "--resume"])
        try eventually("step 1200") { run.lastStep >= 1200 }
        second.send(SIGINT)
        #expect(second.waitForExit() == 130)
        let third = try Program.run(arguments + ["--workers", "1", "--resume"])
        #expect(third.status == 0, "\(third.errors)")
        #expect(run.stepDigests == undisturbed.stepDigests)
        let again = try Program.run(arguments + ["--resume"])
        #expect(again.status == 1 && again.errors.contains("holds a finished run"), "\(again.errors)")
    }

    @Test func aTornCheckpointIsRefusedAndTheOneBeforeIsUsed() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let arguments = ["train", Self.job, "--workers", "2"] + Self.settings(output: run.path)
        let first = try RunningProgram(arguments)
        try eventually("step 600") { run.lastStep >= 600 }
        first.send(SIGKILL)
        _ = first.waitForExit()
        let checkpoints = run.path + "/checkpoints"
        let newest = try #require(
            try FileManager.default.contentsOfDirectory(atPath: checkpoints).filter { $0.hasPrefix("round-") }.max())
        let file = checkpoints + "/\(newest)/state.safetensors"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))

        let second = try Program.run(arguments + ["--resume"])
        #expect(second.status == 0, "\(second.errors)")
        #expect(second.errors.contains("checkpoint \(newest): state.safetensors is not what was written"))
        #expect(run.events("checkpoint-refused").count == 1)
        #expect(run.events("step").compactMap { $0["step"] as? Int } == Array(0..<2000))
    }

    @Test func changedDataAreNotMistakenForTheSameRun() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        // One fold, as with more of them a validation split that is the test split is refused before anything is compared.
        let arguments =
            ["train", Self.job, "--workers", "1", "--quiet", "--set", "selmix.folds=1"]
            + Self.settings(output: run.path)
        let first = try RunningProgram(arguments)
        try eventually("step 100") { run.lastStep >= 100 }
        first.send(SIGKILL)
        _ = first.waitForExit()
        let data =
            "data.validation={features: digits.safetensors#test.features, labels: digits.safetensors#test.labels}"
        let second = try Program.run(arguments + ["--resume", "--set", data])
        #expect(second.status == 1)
        #expect(second.errors.contains("its data, its head or the processor differ"), "\(second.errors)")
    }

    /// A disk that fills up: checkpoints fail with a warning, the log's failure ends the run and says so, and with more room
    /// the run goes on to the same bytes. Needs the right to mount; `scripts/test --all` as root gives it.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["SELMIX_TEST_MOUNT"] != nil, "needs root: scripts/test --all"))
    func aFullDiskCostsNothingButTime() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(["train", Self.job, "--workers", "1"] + Self.settings(output: undisturbed.path))
        try #require(plain.status == 0, "\(plain.errors)")

        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(system("mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk))
        defer { _ = system("umount", disk) }
        let run = RunFolder(path: disk + "/run")
        let arguments = ["train", Self.job, "--workers", "2"] + Self.settings(output: run.path)
        let full = try Program.run(arguments)
        #expect(full.status == 1)
        #expect(
            full.errors.contains("cannot be written (No space left on device); free some space"), "\(full.errors)")
        #expect(
            full.errors.contains("error: the event log \(run.path)/events.jsonl cannot be written"), "\(full.errors)")

        try #require(system("mount", "-o", "remount,size=20m", disk))
        let more = try Program.run(arguments + ["--resume"])
        #expect(more.status == 0, "\(more.errors)")
        #expect(run.stepDigests == undisturbed.stepDigests)
    }
}
