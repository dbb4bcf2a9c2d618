import Foundation
import Testing

/// Runs across "hosts" that are this machine, reached without ssh or with a program that stands in for it.
@Suite struct LaunchTests {
    private static let settings = ["--set", "selmix.rounds=8", "--set", "selmix.stepsPerRound=20"]
    private static let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    private func launch(_ output: String, _ words: [String], settings: [String] = settings) -> [String] {
        ["launch", Self.job, "--set", "output=\(output)"] + settings + words
    }

    @Test func theDigestIsThatOfALocalRun() throws {
        let folder = try TemporaryFolder()
        let ssh = try StandInSSH(in: folder)
        let local = RunFolder(path: folder.path("local"))
        try #require(try Program.run(shortJob(output: local.path)).status == 0)
        for (name, hosts) in [("one", "localhost slots=2"), ("three", "a slots=2\nlocalhost slots=1\nchatty slots=1")] {
            try hosts.write(toFile: folder.path("hosts"), atomically: true, encoding: .utf8)
            let run = RunFolder(path: folder.path(name))
            let result = try Program.run(
                launch(run.path, ["--hosts", folder.path("hosts"), "--ssh", ssh.path, "--json"]))
            #expect(result.status == 0, "\(result.errors)")
            #expect(run.stepDigests == local.stepDigests)
            #expect(
                (try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])?["weightsDigest"]
                    as? String == local.stepDigests.last)
        }
        let workers = Set(RunFolder(path: folder.path("three")).workers.keys)
        #expect(workers.isSubset(of: ["a/1", "a/2", "localhost/1", "chatty/1"]) && !workers.isEmpty)
    }

    @Test func aCheckTellsWhatTheHostsAreAndStartsNothing() throws {
        let folder = try TemporaryFolder()
        let ssh = try StandInSSH(in: folder)
        let output = folder.path("run")
        let result = try Program.run(
            launch(
                output,
                [
                    "--host", "a", "--host", "bare slots=3", "--ssh", ssh.path, "--check", "--json", "--set",
                    "cluster.staging=never",
                ]))
        #expect(result.status == 4, "\(result.errors)")
        let hosts = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
        #expect(hosts.map { $0["host"] as? String } == ["a", "bare"])
        #expect((hosts[0]["problems"] as? [Any])?.isEmpty == true && (hosts[0]["workers"] as? Int ?? 0) > 0)
        #expect((hosts[1]["problems"] as? [Any])?.isEmpty == false && hosts[1]["workers"] as? Int == 3)
        #expect(!FileManager.default.fileExists(atPath: output))
    }

    static let unfit: [(host: String, message: String)] = [
        ("unknown", "the name is not known"), ("stranger", "its host key is not known"), ("silent", "does not answer"),
        ("old", "selmix 0.0.1 is installed there"), ("weak", "it lacks the instruction set"),
        ("late", "s behind"), ("bare", "/nowhere/"), ("dying", "it was lost while it was checked"),
    ]

    @Test(arguments: unfit.indices)
    func oneUnfitHostKeepsEverythingFromStarting(index: Int) throws {
        let (host, message) = Self.unfit[index]
        let folder = try TemporaryFolder()
        let ssh = try StandInSSH(in: folder)
        let output = folder.path("run")
        let result = try Program.run(
            launch(
                output,
                [
                    "--host", "good slots=1", "--host", "\(host) slots=1", "--ssh", ssh.path, "--set",
                    "cluster.staging=never",
                ]))
        #expect(result.status == 4, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(result.errors.contains("error: 1 of 2 hosts cannot take part\nhint: "), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").contains { $0.hasPrefix(host) }, "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: output), "something was written")
    }

    static let wrong: [(words: [String], status: Int32, message: String)] = [
        ([], 2, "--hosts FILE"),
        (["--hosts", "/nowhere/hosts"], 3, "there is no host file `/nowhere/hosts`"),
        (["--host", "a slots=x"], 3, "slots=x"),
        (["--host=-oProxyCommand=true"], 3, "is no host"),
        (["--host", "localhost", "--slurm"], 2, "--slurm brings its own hosts"),
        (["--host", "a", "--ssh", "/nowhere/ssh"], 4, "/nowhere/ssh"),
        (["--host", "localhost", "--program", "/nowhere/selmix"], 4, "/nowhere/selmix"),
        (["--host", "localhost", "--bind", "7200"], 2, "`7200` is no address"),
        (["--host", "localhost", "--bind", "tcp://192.0.2.1:7200"], 4, "cannot listen on 192.0.2.1"),
        (["--dry-run"], 2, "add --slurm"),
    ]

    @Test(arguments: wrong.indices)
    func wrongWordsAreRefused(index: Int) throws {
        let (words, status, message) = Self.wrong[index]
        let folder = try TemporaryFolder()
        let result = try Program.run(launch(folder.path("run"), words))
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains("error: ") && result.errors.contains(message), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    @Test func aKilledWorkerIsStartedAgain() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let launched = try RunningProgram(launch(run.path, ["--host", "localhost slots=2"], settings: endless))
        try eventually("step 50") { run.lastStep >= 50 }
        kill(try #require(run.workers["localhost/2"]), SIGKILL)
        try eventually("its return") {
            run.events("worker-ready").count { $0["worker"] as? String == "localhost/2" } >= 2
        }
        #expect(launched.errors.contains("localhost/2 was ended by signal 9 (SIGKILL); starting it again in 1 s"))
        launched.send(SIGINT)
        #expect(launched.waitForExit() == 130, "\(launched.errors)")
        for worker in run.workers.values { #expect(!isAlive(worker)) }
    }

    @Test func itsLogIsJSONOnRequest() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let launched = try RunningProgram(
            launch(run.path, ["--host", "localhost slots=2", "--log-format", "json"], settings: endless))
        try eventually("step 50") { run.lastStep >= 50 }
        kill(try #require(run.workers["localhost/2"]), SIGKILL)
        try eventually("its loss") { !run.events("worker-lost").isEmpty }
        launched.send(SIGINT)
        #expect(launched.waitForExit() == 130, "\(launched.errors)")
        let entries = try launched.errors.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
        #expect(entries.contains { ($0["message"] as? String)?.contains("was ended by signal 9") == true })
    }

    @Test func nothingOutlivesItsLauncher() throws {
        let folder = try TemporaryFolder()
        let ssh = try StandInSSH(in: folder)
        let run = RunFolder(path: folder.path("run"))
        let launched = try RunningProgram(
            launch(run.path, ["--host", "a slots=2", "--host", "b slots=1", "--ssh", ssh.path], settings: endless))
        try eventually("all workers") { run.workers.count == 3 && run.lastStep >= 10 }
        let workers = Array(run.workers.values)
        let agents = Set(workers.map(parent))
        #expect(agents.count == 2 && !agents.contains(launched.processID))
        launched.send(SIGKILL)
        _ = launched.waitForExit()
        try eventually("the end of everything") { (workers + agents).allSatisfy { !isAlive($0) } }
    }

    @Test func keysReachWorkersOutOfSight() throws {
        let folder = try TemporaryFolder()
        let ssh = try StandInSSH(in: folder)
        let run = RunFolder(path: folder.path("run"))
        let launched = try RunningProgram(
            launch(run.path, ["--host", "a slots=2", "--ssh", ssh.path], settings: endless))
        try eventually("all workers") { run.workers.count == 2 && run.lastStep >= 10 }
        let worker = try #require(run.workers["a/1"])
        let words = commandLine(worker)
        let keys = try #require(words.firstIndex(of: "--keys").map { words[$0 + 1] })
        let secret = try String(contentsOfFile: keys + "/workers/a.secret", encoding: .utf8)
        let digits = try #require(secret.split(separator: " ").last?.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(digits.count == 64)
        for process in [worker, parent(worker), launched.processID] {
            let environment = (try? String(contentsOfFile: "/proc/\(process)/environ", encoding: .utf8)) ?? ""
            #expect(!(commandLine(process).joined(separator: " ") + environment).contains(digits))
        }
        launched.send(SIGINT)
        #expect(launched.waitForExit() == 130)
        #expect(!launched.errors.contains(digits))
        #expect(!FileManager.default.fileExists(atPath: keys))
    }

    @Test func workersEndWithTheirAgent() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let launched = try RunningProgram(launch(run.path, ["--host", "localhost slots=2"], settings: endless))
        try eventually("step 20") { run.lastStep >= 20 }
        let workers = run.workers.values
        kill(parent(workers.first!), SIGKILL)
        try eventually("the end of the workers") { workers.allSatisfy { !isAlive($0) } }
        try eventually("other workers") { Set(run.workers.values).isDisjoint(with: workers) && run.workers.count == 2 }
        #expect(launched.errors.contains("lost localhost") && launched.errors.contains("localhost is back"))
        // An agent that is told to end lets its workers hand over, and the run has ended in peace when none is left.
        kill(parent(run.workers.values.first!), SIGTERM)
        #expect(launched.waitForExit() == 130, "\(launched.errors)")
        #expect(launched.errors.contains("localhost is leaving: SIGTERM"))
        for worker in run.workers.values { #expect(!isAlive(worker)) }
    }

    @Test func anAgentEndsWhenItsLauncherIsSilent() throws {
        let agent = Process()
        let (input, output) = (Pipe(), Pipe())
        agent.executableURL = URL(fileURLWithPath: Program.path)
        agent.arguments = ["agent", "--patience", "3"]
        (agent.standardInput, agent.standardOutput, agent.standardError) = (input, output, FileHandle.nullDevice)
        try agent.run()
        // Garbage is no order and no sign of life.
        try input.fileHandleForWriting.write(
            contentsOf: Data("selmix-agent {\n\u{0}\nselmix-agent {\"start\":{}}\n".utf8))
        try eventually("its end") { !agent.isRunning }
        #expect(agent.terminationStatus == 0)
        #expect(String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self).contains("hello"))
    }

    @Test func aPortThatIsTakenIsTold() throws {
        let folder = try TemporaryFolder()
        let first = RunFolder(path: folder.path("first"))
        let launched = try RunningProgram(
            launch(first.path, ["--host", "localhost slots=1", "--bind", "tcp://127.0.0.1:*"], settings: endless))
        try eventually("its address") { first.exists("run.json") }
        let address = try #require(try first.json("run.json")["control"] as? String)
        let second = try Program.run(launch(folder.path("second"), ["--host", "localhost", "--bind", address]))
        #expect(second.status == 4)
        #expect(second.errors.contains("is in use") && second.errors.contains("--bind"), "\(second.errors)")
        let third = try Program.run(launch(first.path, ["--host", "localhost"], settings: endless))
        #expect(third.status == 1 && third.errors.contains("another run is writing to"), "\(third.errors)")
        launched.send(SIGTERM)
        #expect(launched.waitForExit() == 130)
    }

    private var endless: [String] { constantRate + ["--set", "batch=512", "--set", "selmix.rounds=20000"] }

    private func commandLine(_ processID: Int32) -> [String] {
        ((try? String(contentsOfFile: "/proc/\(processID)/cmdline", encoding: .utf8)) ?? "").split(separator: "\0")
            .map(String.init)
    }

    private func parent(_ processID: Int32) -> Int32 {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)) ?? ""
        let fields = status.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 1 ? Int32(fields[1]) ?? 0 : 0
    }
}
