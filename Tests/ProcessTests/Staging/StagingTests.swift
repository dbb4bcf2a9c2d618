import Foundation
import Testing

/// Workers without a shared file system: here those that find nothing below an empty `--data-root`.
@Suite struct StagingTests {
    private let folder: TemporaryFolder
    private let run: RunFolder

    init() throws {
        folder = try TemporaryFolder()
        run = RunFolder(path: folder.path("run"))
        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
    }

    private func coordinator(_ job: String, _ settings: String...) throws -> RunningProgram {
        let running = try RunningProgram(
            ["coordinator", job, "--quiet", "--bind", "tcp://127.0.0.1:*", "--set", "output=\(run.path)"]
                + settings.flatMap { ["--set", $0] })
        try eventually("the coordinator's address") { run.exists("run.json") || !running.isRunning }
        return running
    }

    private func worker(_ name: String, cache: String, _ options: String...) throws -> RunningProgram {
        let info = try run.json("run.json")
        return try RunningProgram(
            [
                "worker", "--name", name, "--connect", try #require(info["control"] as? String), "--connect-bulk",
                try #require(info["bulk"] as? String), "--data-root", folder.path("empty"), "--cache",
                folder.path(cache),
            ] + options)
    }

    private static let digits = Program.digits.appendingPathComponent("min-recall.yaml").path

    /// Two machines, as it were, each with its own cache.
    @Test func workersWithoutDataTrainToTheSameBytes() throws {
        let coordinator = try coordinator(Self.digits, "cluster.minWorkers=2")
        let workers = [try worker("a", cache: "cache-a"), try worker("b", cache: "cache-b")]
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        for worker in workers {
            #expect(worker.waitForExit() == 0, "\(worker.errors)")
            #expect(worker.errors.contains("fetching data from the coordinator"), "\(worker.errors)")
        }
        #expect(try run.json("report.json")["weightsDigest"] as? String == Program.weightsDigest)
        let fetched = try FileManager.default.contentsOfDirectory(atPath: folder.path("cache-a/files"))
        #expect(fetched.count == 2, "digits and head: \(fetched)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("cache-a/partial")).isEmpty)
    }

    /// One cache for two workers of a machine, and for the next run, which fetches nothing.
    @Test func nothingIsFetchedTwice() throws {
        let first = try coordinator(Self.digits, "cluster.minWorkers=2", "selmix.rounds=2")
        let workers = [try worker("a", cache: "cache"), try worker("b", cache: "cache")]
        #expect(first.waitForExit() == 0, "\(first.errors)")
        for worker in workers { #expect(worker.waitForExit() == 0, "\(worker.errors)") }
        let fetched = workers.filter { $0.errors.contains("fetched") }
        #expect(!fetched.isEmpty)
        try FileManager.default.removeItem(atPath: run.path)
        let second = try coordinator(Self.digits, "selmix.rounds=2")
        let again = try worker("c", cache: "cache")
        #expect(second.waitForExit() == 0, "\(second.errors)")
        #expect(again.waitForExit() == 0, "\(again.errors)")
        #expect(!again.errors.contains("fetch"), "\(again.errors)")
    }

    @Test func aWorkerThatIsKilledGoesOnWhereItWas() throws {
        let job = try BigJob(in: folder, megabytes: 24)
        let coordinator = try coordinator(job.path)
        // The way to the worker is blocked in the middle.
        let info = try run.json("run.json")
        let proxy = try RecordingProxy(before: try #require(info["bulk"] as? String), stopsAfter: 14 << 20)
        defer { proxy.stop() }
        let killed = try RunningProgram([
            "worker", "--connect", try #require(info["control"] as? String), "--connect-bulk", proxy.address,
            "--data-root", folder.path("empty"), "--cache", folder.path("cache"),
        ])
        try eventually("a part of the data") {
            killed.errors.components(separatedBy: "fetching").count > 4 || !killed.isRunning
        }
        killed.send(SIGKILL)
        #expect(killed.waitForExit() == SIGKILL)
        let next = try worker("b", cache: "cache")
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(next.waitForExit() == 0, "\(next.errors)")
        let total = try #require(Self.total(killed.errors))
        let rest = try #require(Self.total(next.errors))
        #expect(rest <= total - 7, "\(rest) MB of \(total) MB were fetched by the second")
        print("staging: \(total) MB to fetch; after a kill \(rest) MB")
    }

    /// "... of 194 MB".
    private static func total(_ text: String) -> Int? {
        text.split(separator: "\n").first { $0.contains("fetching data") }?.split(separator: " ").dropLast().last
            .flatMap { Int($0) }
    }

    @Test func aWorkerWhoseDataDifferFetchesTheRightOnes() throws {
        let other = folder.path("other")
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        var data = try Data(contentsOf: Program.digits.appendingPathComponent("digits.safetensors"))
        data[data.count - 3] ^= 1
        try data.write(to: URL(fileURLWithPath: other + "/digits.safetensors"))
        let coordinator = try coordinator(Self.digits)
        let info = try run.json("run.json")
        let worker = try RunningProgram([
            "worker", "--connect", try #require(info["control"] as? String), "--connect-bulk",
            try #require(info["bulk"] as? String), "--data-root", other, "--cache", folder.path("cache"),
        ])
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(worker.waitForExit() == 0, "\(worker.errors)")
        #expect(worker.errors.contains("is not the file that the coordinator has"), "\(worker.errors)")
        #expect(try run.json("report.json")["weightsDigest"] as? String == Program.weightsDigest)
    }

    @Test func aCacheThatIsTooSmallIsExplained() throws {
        let coordinator = try coordinator(Self.digits)
        let worker = try worker("a", cache: "cache", "--cache-limit", "0.00001")
        #expect(worker.waitForExit() == 1)
        #expect(worker.errors.contains("may hold 10 kB; this run needs"), "\(worker.errors)")
        #expect(worker.errors.contains("hint: raise --cache-limit"), "\(worker.errors)")
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
    }

    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["SELMIX_TEST_MOUNT"] != nil, "needs root: scripts/test --all"))
    func aFullDiskIsExplained() throws {
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(Self.system("mount", "-t", "tmpfs", "-o", "size=100k,mode=755", "tmpfs", disk))
        defer { _ = Self.system("umount", disk) }
        let coordinator = try coordinator(Self.digits)
        let worker = try worker("a", cache: "disk")
        #expect(worker.waitForExit() == 1)
        #expect(worker.errors.contains("there is no room for"), "\(worker.errors)")
        #expect(worker.errors.contains("hint: free some space"), "\(worker.errors)")
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
    }

    private static func system(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        try? process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test func withoutStagingMissingDataAreAnError() throws {
        let coordinator = try coordinator(Self.digits, "cluster.staging=never")
        let worker = try worker("a", cache: "cache")
        #expect(worker.waitForExit() == 3)
        #expect(worker.errors.contains("cannot read `\(folder.path("empty"))"), "\(worker.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("cache")))
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)
    }
}
