import Foundation
import Testing

/// Starts that come to nothing. Whoever starts the program again, a person or a supervisor, has to succeed.
@Suite struct StartTests {
    private static let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    private static func coordinator(_ output: String, control: String, http: String = "off") -> [String] {
        [
            "coordinator", job, "--bind", control, "--bind-bulk", "tcp://127.0.0.1:*", "--http", http, "--set",
            "output=\(output)", "--set", "selmix.rounds=3", "--set", "selmix.stepsPerRound=50", "--quiet",
        ]
    }

    /// Lets a worker serve a run that is being led, to its end.
    private static func serve(_ coordinator: RunningProgram, _ run: RunFolder) throws {
        try eventually("the coordinator's address") { run.exists("run.json") && coordinator.isRunning }
        var info: [String: Any] = [:]
        try eventually("the address of this start") {
            info = try run.json("run.json")
            return info["processID"] as? Int == Int(coordinator.processID)
        }
        let worker = try Program.run(
            "worker", "--connect", try #require(info["control"] as? String), "--connect-bulk",
            try #require(info["bulk"] as? String))
        #expect(worker.status == 0, "\(worker.errors)")
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        #expect(run.events("step").compactMap { $0["step"] as? Int } == Array(0..<150))
    }

    @Test func aPortThatIsTakenCostsNothing() throws {
        let folder = try TemporaryFolder()
        let (other, run) = (RunFolder(path: folder.path("other")), RunFolder(path: folder.path("run")))
        let first = try RunningProgram(
            Self.coordinator(other.path, control: "tcp://127.0.0.1:*", http: "127.0.0.1:0"))
        try eventually("the other's address") { other.exists("run.json") }
        let taken = try #require(try other.json("run.json")["control"] as? String)
        let takenHTTP = try #require(URL(string: other.http)?.port)
        #expect(try Program.run(Self.coordinator(run.path, control: taken)).status == 4)
        #expect(
            try Program.run(
                Self.coordinator(run.path, control: "tcp://127.0.0.1:*", http: "127.0.0.1:\(takenHTTP)")
            ).status == 1)
        #expect(try Program.run(shortJob(output: run.path) + ["--http", "127.0.0.1:\(takenHTTP)"]).status == 1)
        #expect(!run.exists("events.jsonl") && !run.exists("run.json"))
        first.send(SIGTERM)
        _ = first.waitForExit()
        try Self.serve(try RunningProgram(Self.coordinator(run.path, control: "tcp://127.0.0.1:*")), run)
    }

    /// Killed after longer and longer, from before it has made anything until it waits for workers.
    @Test func aStartThatIsKilledAtAnyTimeIsNoEnd() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        for attempt in 0..<40 {
            let start = try RunningProgram(Self.coordinator(run.path, control: "tcp://127.0.0.1:*"))
            usleep(UInt32(attempt) * 8000)
            start.send(SIGKILL)
            _ = start.waitForExit()
        }
        try Self.serve(try RunningProgram(Self.coordinator(run.path, control: "tcp://127.0.0.1:*")), run)
        for event in run.events("step") { #expect((event["time"] as? String)?.hasSuffix("Z") == true) }
    }

    /// What the program left that made its event log before its ports were open.
    @Test func anEmptyLogIsNoRun() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        try FileManager.default.createDirectory(atPath: run.path + "/tensorboard", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: run.path + "/events.jsonl"))
        let result = try Program.run(shortJob(output: run.path))
        #expect(result.status == 0, "\(result.errors)")
        // A log with something in it is somebody's.
        let other = RunFolder(path: folder.path("other"))
        try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
        try Data("{}\n".utf8).write(to: URL(fileURLWithPath: other.path + "/events.jsonl"))
        let refused = try Program.run(shortJob(output: other.path))
        #expect(refused.status == 1 && refused.errors.contains("files of another run (events.jsonl)"))
    }

    @Test func aLogThatIsNotWhatWasWrittenIsRefused() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let arguments = ["train", Self.job, "--workers", "2"] + RestartTests.settings(output: run.path)
        let first = try RunningProgram(arguments)
        try eventually("step 600") { run.lastStep >= 600 }
        first.send(SIGKILL)
        _ = first.waitForExit()
        let path = URL(fileURLWithPath: run.path + "/events.jsonl")
        let whole = try Data(contentsOf: path)

        try whole.prefix(whole.count / 2).write(to: path)
        let cut = try Program.run(arguments + ["--resume"])
        #expect(cut.status == 1 && cut.errors.contains("was cut: it has"), "\(cut.errors)")
        var changed = whole
        let loss = try #require(changed.range(of: Data("\"loss\":".utf8)))
        changed[loss.upperBound] ^= 1
        try changed.write(to: path)
        let edited = try Program.run(arguments + ["--resume"])
        #expect(edited.status == 1 && edited.errors.contains("was changed: its first"), "\(edited.errors)")
        // Refused, it is as it was.
        #expect(try Data(contentsOf: path) == changed)

        // Whatever was lost behind the checkpoint is taken again.
        let manifests = try FileManager.default.contentsOfDirectory(atPath: run.path + "/checkpoints")
            .filter { $0.hasPrefix("round-") }.sorted()
        let manifest = try String(
            contentsOfFile: run.path + "/checkpoints/\(try #require(manifests.last))/checkpoint.json", encoding: .utf8)
        let offset = try #require(manifest.firstMatch(of: /"eventOffset" : (\d+)/).flatMap { Int($0.1) })
        try whole.prefix(min(whole.count, offset + 40)).write(to: path)
        let second = try Program.run(arguments + ["--resume"])
        #expect(second.status == 0, "\(second.errors)")
        #expect(run.events("step").compactMap { $0["step"] as? Int } == Array(0..<2000))
    }

    /// The comparison belongs to the run: a kill while it is made is mended by --resume.
    @Test func baselinesOutlastAKill() throws {
        let folder = try TemporaryFolder()
        let (undisturbed, run) = (RunFolder(path: folder.path("undisturbed")), RunFolder(path: folder.path("run")))
        func arguments(_ run: RunFolder) -> [String] { shortJob(output: run.path) + ["--set", "baselines=true"] }
        let plain = try Program.run(arguments(undisturbed))
        try #require(plain.status == 0, "\(plain.errors)")
        for baseline in ["classifier-retraining", "over-smoothing"] {
            let train = try RunningProgram(arguments(run) + (run.exists("run.json") ? ["--resume"] : []))
            try eventually("the baseline") { run.exists("baselines/\(baseline)/events.jsonl") }
            #expect(try run.json("run.json")["finished"] as? Bool == false)
            train.send(SIGKILL)
            _ = train.waitForExit()
        }
        let last = try Program.run(arguments(run) + ["--resume"])
        #expect(last.status == 0, "\(last.errors)")
        #expect(try run.json("run.json")["finished"] as? Bool == true)
        func objectives(_ run: RunFolder) throws -> [String: Double] {
            let lines = try #require(try run.json("report.json")["baselines"] as? [[String: Any]])
            return Dictionary(
                uniqueKeysWithValues: lines.map { ($0["name"] as? String ?? "", $0["objective"] as? Double ?? -1) })
        }
        #expect(try objectives(run) == objectives(undisturbed))
        #expect(try objectives(run).count == 15)
    }
}
