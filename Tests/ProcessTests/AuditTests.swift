import Foundation
import Testing

/// A machine that computes wrongly is found out, named and kept out, and the result has not a bit of it.
@Suite struct AuditTests {
    private static let settings = [
        "--set", "batch=512", "--set", "selmix.rounds=40", "--set", "selmix.stepsPerRound=50",
        "--set", "cluster.audit=1", "--set", "cluster.minWorkers=3", "--set", "cluster.orphanTimeout=10m",
    ]

    @Test func aWorkerThatComputesWronglyIsQuarantined() throws {
        let folder = try TemporaryFolder()
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(
            ["train", RestartTests.job, "--workers", "1"] + RestartTests.settings(output: undisturbed.path))
        try #require(plain.status == 0, "\(plain.errors)")

        let run = RunFolder(path: folder.path("run"))
        func start(_ bind: String, _ bulk: String) throws -> RunningProgram {
            try RunningProgram(
                ["coordinator", RestartTests.job, "--bind", bind, "--bind-bulk", bulk, "--set", "output=\(run.path)"]
                    + Self.settings)
        }
        func worker(_ name: String, _ control: String, _ bulk: String) throws -> RunningProgram {
            try RunningProgram(["worker", "--name", name, "--connect", control, "--connect-bulk", bulk])
        }
        var coordinator = try start("tcp://127.0.0.1:*", "tcp://127.0.0.1:*")
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let (control, bulk) = (try #require(info["control"] as? String), try #require(info["bulk"] as? String))
        let honest = try ["a", "b"].map { try worker($0, control, bulk) }
        let machine = try FaultyMachine(control: control, bulk: bulk, from: 5)
        defer { machine.stop() }
        let liar = try worker("liar", machine.control, machine.bulk)

        try eventually("the quarantine") { !run.events("quarantined").isEmpty }
        #expect(liar.waitForExit() == 4)
        #expect(liar.errors.contains("refused this worker: quarantined"), "\(liar.errors)")
        #expect(machine.count > 0)

        // The coordinator dies, the honest ones wait, and the liar, whose machine is repaired, is refused all the same.
        coordinator.send(SIGKILL)
        _ = coordinator.waitForExit()
        for worker in honest { worker.send(SIGSTOP) }
        coordinator = try start(control, bulk)
        let again = try worker("liar", control, bulk)
        #expect(again.waitForExit() == 4)
        #expect(again.errors.contains("worker liar is quarantined"), "\(again.errors)")
        for worker in honest { worker.send(SIGCONT) }
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        for worker in honest { #expect(worker.waitForExit() == 0, "\(worker.errors)") }

        #expect(run.stepDigests == undisturbed.stepDigests)
        let report = try run.json("report.json")
        #expect(report["weightsDigest"] as? String == (try undisturbed.json("report.json")["weightsDigest"] as? String))
        let event = try #require(run.events("quarantined").first)
        #expect(run.events("quarantined").count == 1)
        #expect(event["worker"] as? String == "liar" && event["step"] as? Int ?? 0 >= 5)
        #expect(event["host"] as? String == ProcessInfo.processInfo.hostName)
        #expect(event["digest"] as? String != event["expected"] as? String)
        let named = try #require(report["quarantined"] as? [[String: Any]])
        #expect(named.map { $0["worker"] as? String } == ["liar"])
        #expect(coordinator.output.contains("liar (") && coordinator.output.contains("was quarantined"))
        let explained = try Program.run("explain", run.path)
        #expect(explained.output.contains("liar on") && explained.output.contains("the coordinator computed"))
    }

    /// An audit costs time and nothing else, also with a single worker, and with unlabelled data.
    @Test(arguments: ["digits-lt/min-recall.yaml", "digits-semi/h-mean.yaml"])
    func anAuditChangesNoByte(job: String) throws {
        let folder = try TemporaryFolder()
        let path = Program.package.appendingPathComponent("cluster/" + job).path
        var digests: Set<String> = []
        for (audit, workers) in [(0.0, 1), (0.5, 1), (1.0, 3)] {
            let run = RunFolder(path: folder.path("\(audit)"))
            let result = try Program.run([
                "train", path, "--workers", "\(workers)", "--set", "output=\(run.path)", "--set", "selmix.rounds=3",
                "--set", "cluster.audit=\(audit)",
            ])
            try #require(result.status == 0, "\(result.errors)")
            digests.insert(try #require(run.stepDigests.last))
            #expect(run.events("recomputing").isEmpty == (workers != 1 || audit == 0))
            #expect(run.events("quarantined").isEmpty)
        }
        #expect(digests.count == 1)
    }
}
