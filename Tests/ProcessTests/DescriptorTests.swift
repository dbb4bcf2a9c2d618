import Foundation
import Testing

/// Where too few files may be open, that is said, with the number that is needed; nothing aborts or hangs.
@Suite struct DescriptorTests {
    private func train(_ folder: TemporaryFolder, files: Int, workers: Int) throws -> Program.Result {
        let arguments = endlessJob(output: folder.path("run-\(files)"), workers: workers).joined(separator: " ")
        let running = try RunningProgram(
            [
                "-c",
                "ulimit -n \(files); exec \(Program.path) \(arguments) --set selmix.rounds=2 --set selmix.stepsPerRound=3",
            ],
            program: "/bin/bash")
        let status = running.waitForExit()
        return Program.Result(status: status, output: running.output, errors: running.errors)
    }

    @Test(arguments: [16, 24, 32, 36, 40, 44, 48, 56, 60]) func tooFewAreAnError(files: Int) throws {
        let folder = try TemporaryFolder()
        let result = try train(folder, files: files, workers: 2)
        #expect(result.status == 1, "\(files): \(result.errors)")
        #expect(result.errors.contains("open files") && result.errors.contains("ulimit -n"), "\(result.errors)")
    }

    @Test func asFewAsAreNeededAreEnough() throws {
        let folder = try TemporaryFolder()
        let result = try train(folder, files: 62, workers: 2)
        #expect(result.status == 0, "\(result.errors)")
        let many = try train(folder, files: 80, workers: 12)
        #expect(many.status == 1)
        #expect(many.errors.contains("a run with 12 workers needs 112, and this process may have 80"), "\(many.errors)")
    }

    /// The soft limit is raised to the hard one.
    @Test func theLimitIsRaised() throws {
        let folder = try TemporaryFolder()
        let arguments = endlessJob(output: folder.path("run"), workers: 2).joined(separator: " ")
        let running = try RunningProgram(
            [
                "-c",
                "ulimit -S -n 32; exec \(Program.path) \(arguments) --set selmix.rounds=2 --set selmix.stepsPerRound=3",
            ],
            program: "/bin/bash")
        #expect(running.waitForExit() == 0, "\(running.errors)")
    }

    /// Connections that say nothing, far more than there may be files: every checkpoint is written, and the head.
    @Test(arguments: [false, true]) func idleConnectionsLeaveRoomForFiles(withKeys: Bool) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let keys = try KeyFolder(folder.path("keys"), workers: "one")
        let security = withKeys ? " --keys \(keys.path)" : ""
        let coordinator = try RunningProgram(
            [
                "-c",
                "ulimit -n 120; exec \(Program.path) coordinator \(Program.digits.appendingPathComponent("min-recall.yaml").path) "
                    + "--quiet --bind 'tcp://127.0.0.1:*'\(security) --set output=\(run.path)",
            ], program: "/bin/bash")
        try eventually("the coordinator's address") { run.exists("run.json") || !coordinator.isRunning }
        let info = try run.json("run.json")
        let addresses = try ["control", "bulk"].map { try #require(info[$0] as? String) }
        func crowd() throws -> [Peer] {
            try addresses.flatMap { address in try (0..<150).map { _ in try Peer(port: port(of: address)) } }
        }
        var idle = try crowd()
        let worker = try RunningProgram(
            ["worker", "--name", "one", "--connect", addresses[0], "--connect-bulk", addresses[1]]
                + (withKeys ? ["--keys", keys.path] : []))
        try eventually("a step") { run.lastStep >= 0 || !coordinator.isRunning }
        // Fewer, if the run is over by now.
        idle += (try? crowd()) ?? []
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(worker.waitForExit() == 0, "\(worker.errors)")
        #expect(run.events("checkpoint-failed").isEmpty)
        let report = try run.json("report.json")
        #expect(report["weightsDigest"] as? String == Program.weightsDigest)
        let rejections = try #require(report["rejections"] as? [String: Int])
        #expect(rejections["crowded", default: 0] > 100, "\(rejections)")
        withExtendedLifetime(idle) {}
    }
}
