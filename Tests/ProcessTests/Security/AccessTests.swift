import Foundation
import Testing

/// What people meet who have no keys, or the wrong ones.
@Suite struct AccessTests {
    static let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    @Test func beyondThisMachineKeysAreNeeded() throws {
        let folder = try TemporaryFolder()
        for arguments in [
            ["coordinator", Self.job, "--bind", "tcp://0.0.0.0:*", "--set", "output=\(folder.path("run"))"],
            [
                "coordinator", Self.job, "--bind", "tcp://127.0.0.1:*", "--bind-bulk", "tcp://*:*", "--set",
                "output=\(folder.path("run"))",
            ],
            ["worker", "--connect", "tcp://192.0.2.1:7200"],
        ] {
            let result = try Program.run(arguments)
            #expect(result.status == 2, "\(result.errors)")
            #expect(result.errors.contains("without keys"), "\(result.errors)")
            #expect(result.errors.contains("selmix keygen"), "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    @Test func someoneWhoInsistsGetsAnOpenRun() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let coordinator = try RunningProgram([
            "coordinator", Self.job, "--quiet", "--insecure", "--bind", "tcp://0.0.0.0:*", "--set",
            "output=\(run.path)", "--set", "selmix.rounds=2", "--set", "selmix.stepsPerRound=2",
        ])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let addresses = try ["control", "bulk"].map {
            try "tcp://127.0.0.1:\(port(of: #require(info[$0] as? String)))"
        }
        let worker = try Program.run("worker", "--connect", addresses[0], "--connect-bulk", addresses[1])
        #expect(worker.status == 0, "\(worker.errors)")
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
    }

    @Test func keysAndNoKeysExcludeEachOther() throws {
        let result = try Program.run("worker", "--connect", "tcp://h:1", "--keys", "k", "--insecure")
        #expect(result.status == 2)
        #expect(result.errors.contains("exclude each other"))
    }

    /// Each kind of wrong worker ends by itself and says what to do.
    @Test func wrongKeysAreExplained() throws {
        let folder = try TemporaryFolder()
        let keys = try KeyFolder(folder.path("keys"), workers: "one")
        let others = try KeyFolder(folder.path("others"), workers: "one")
        // The right coordinator, but a worker that it does not know.
        try FileManager.default.removeItem(atPath: others.path + "/coordinator.public")
        try FileManager.default.copyItem(
            atPath: keys.path + "/coordinator.public", toPath: others.path + "/coordinator.public")
        let strangers = try KeyFolder(folder.path("strangers"), workers: "one")
        let run = RunFolder(path: folder.path("run"))
        let coordinator = try RunningProgram([
            "coordinator", Self.job, "--quiet", "--bind", "tcp://127.0.0.1:*", "--keys", keys.path, "--set",
            "output=\(run.path)",
        ])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let base = [
            "worker", "--connect", try #require(info["control"] as? String), "--connect-bulk",
            try #require(info["bulk"] as? String),
        ]
        for (options, text) in [
            ([], "it uses keys, and this worker does not"),
            (["--keys", others.path], "it does not list this worker's key"),
            // Which may pass, so the worker asks again for a while.
            (["--keys", strangers.path, "--patience", "3"], "it may have other keys than coordinator.public here"),
        ] {
            let worker = try Program.run(base + options)
            #expect(worker.status == 4)
            #expect(worker.errors.contains(text), "\(worker.errors)")
        }
        coordinator.send(SIGTERM)
        #expect(coordinator.waitForExit() == 130)

        // A worker with keys before a coordinator that uses none.
        let open = RunFolder(path: folder.path("open"))
        let plain = try RunningProgram([
            "coordinator", Self.job, "--quiet", "--bind", "tcp://127.0.0.1:*", "--set", "output=\(open.path)",
        ])
        try eventually("the coordinator's address") { open.exists("run.json") }
        let there = try open.json("run.json")
        let worker = try Program.run(
            "worker", "--keys", keys.path, "--connect", try #require(there["control"] as? String),
            "--connect-bulk", try #require(there["bulk"] as? String))
        #expect(worker.status == 4)
        #expect(worker.errors.contains("it uses no keys, and this worker does"), "\(worker.errors)")
        plain.send(SIGTERM)
        #expect(plain.waitForExit() == 130)
    }

    @Test func keysThatOthersCanReadAreRefused() throws {
        let folder = try TemporaryFolder()
        let keys = try KeyFolder(folder.path("keys"), workers: "one")
        #expect(chmod(keys.path + "/coordinator.secret", 0o644) == 0)
        let result = try Program.run(
            "coordinator", Self.job, "--bind", "tcp://127.0.0.1:*", "--keys", keys.path, "--set",
            "output=\(folder.path("run"))")
        #expect(result.status == 2)
        #expect(result.errors.contains("coordinator.secret has mode 644: others may read or change it"))
        #expect(result.errors.contains("hint: chmod 600"))
    }

    @Test func theTransportIsMeasured() throws {
        let result = try Program.run("bench", "transport", "--size", "100000", "--messages", "20", "--json")
        try #require(result.status == 0, "\(result.errors)")
        let figures = try #require(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let curve = try #require(figures["curve"] as? [String: Double])
        #expect(try #require(curve["toWorker"]) > 0)
        #expect(try #require(figures["timeRatio"] as? Double) > 0)
    }
}
