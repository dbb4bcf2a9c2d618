import Foundation
import Testing
import Training

/// Numbers that are none: a run whose training leaves all bounds says so, and no process ends by a signal. Where it is one
/// machine that computes nonsense, that one goes, and the result has not a bit of it.
@Suite struct DivergenceTests {
    private static func train(_ path: String, workers: Int = 2, _ settings: [String]) throws -> Program.Result {
        try Program.run(["train", path, "--workers", "\(workers)", "--quiet"] + settings.flatMap { ["--set", $0] })
    }

    private static func expectDivergence(_ result: Program.Result, _ hints: String...) {
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.contains("training diverged at step "), "\(result.errors)")
        #expect(result.errors.contains("lower `optimizer.learningRate`"), "\(result.errors)")
        for hint in hints { #expect(result.errors.contains(hint), "\(result.errors)") }
        #expect(!result.errors.contains("signal") && !result.errors.contains("SIGILL"), "\(result.errors)")
    }

    @Test(arguments: [
        ["optimizer.learningRate=1e37"], ["optimizer.learningRate=1e300"], ["optimizer.weightDecay=1e300"],
        ["optimizer.learningRate=1e37", "cluster.audit=1", "cluster.minWorkers=2"],
    ])
    func settingsThatDiverge(settings: [String]) throws {
        let folder = try TemporaryFolder()
        Self.expectDivergence(try Self.train(RestartTests.job, settings + ["output=\(folder.path("run"))"]))
        // The rest of the run is that of any other that failed.
        #expect(RunFolder(path: folder.path("run")).exists("events.jsonl"))
    }

    /// A single row of a data set may be what does it, and is named.
    @Test func anExtremeRowIsNamed() throws {
        let folder = try TemporaryFolder()
        let (classes, d) = (3, 4)
        func features(_ rows: Int) -> [Float] { (0..<rows * d).map { Float($0 % 7) / 7 } }
        let labels = (0..<30).map { Int64($0 % classes) }
        var extreme = features(30)
        extreme[7 * d + 2] = 1e25
        try SafetensorsWriter.write(
            [
                TensorContent(name: "weight", shape: [classes, d], values: features(classes)),
                TensorContent(name: "bias", shape: [classes], values: [Float](repeating: 0, count: classes)),
                TensorContent(name: "x", shape: [30, d], values: extreme),
                TensorContent(name: "y", shape: [30], values: labels),
                TensorContent(name: "vx", shape: [30, d], values: features(30)),
            ], to: folder.path("data.safetensors"))
        let job = """
            data:
              train: {features: data.safetensors#x, labels: data.safetensors#y}
              validation: {features: data.safetensors#vx, labels: data.safetensors#y}
            head: {weight: data.safetensors#weight, bias: data.safetensors#bias}
            objective: min-recall
            output: run
            """
        try job.write(toFile: folder.path("job.yaml"), atomically: true, encoding: .utf8)
        let result = try Self.train(
            folder.path("job.yaml"), ["selmix.rounds=40", "selmix.folds=1", "optimizer.learningRate=3e-4"])
        Self.expectDivergence(result, "scale the features: the largest is 1e+25 in row 7 of")
    }

    @Test(arguments: [FaultyMachine.Lie.loss(.nan), .loss(-.infinity), .gradient(.nan), .gradient(1e30)])
    func aLiarIsFoundWithoutAnAudit(lie: FaultyMachine.Lie) throws {
        let folder = try TemporaryFolder()
        let settings = ["--set", "batch=512", "--set", "selmix.rounds=4", "--set", "cluster.minWorkers=2"]
        let undisturbed = RunFolder(path: folder.path("undisturbed"))
        let plain = try Program.run(
            ["train", RestartTests.job, "--workers", "2", "--set", "output=\(undisturbed.path)"] + settings)
        try #require(plain.status == 0, "\(plain.errors)")

        let scene = try Scene(folder, settings: settings, lie: lie, from: 5)
        #expect(scene.liar.waitForExit() == 4)
        #expect(scene.liar.errors.contains("refused this worker: quarantined"), "\(scene.liar.errors)")
        #expect(scene.coordinator.waitForExit() == 0, "\(scene.coordinator.errors)")
        #expect(scene.honest.waitForExit() == 0, "\(scene.honest.errors)")
        #expect(scene.run.stepDigests == undisturbed.stepDigests)
        #expect(scene.run.events("quarantined").compactMap { $0["worker"] as? String } == ["liar"])
        let reason = try #require(scene.run.events("recomputing").first?["reason"] as? String)
        #expect(reason.contains("liar computed it"), "\(reason)")
    }

    /// Its tensors never have the digest that it announces; the run goes on without it, and it is not let in again.
    @Test func aMachineOfWhichNothingArrivesWholeIsRefused() throws {
        let folder = try TemporaryFolder()
        // Without an end: how many steps go by until it is found depends on how fast the honest one is.
        let settings = [
            "--set", "batch=512", "--set", "selmix.rounds=100000", "--set", "cluster.minWorkers=2", "--set",
            "cluster.failureTimeout=0.5s",
        ]
        let scene = try Scene(folder, settings: settings, lie: .damaged, from: 5)
        #expect(scene.liar.waitForExit() == 4)
        #expect(scene.liar.errors.contains("arrived damaged"), "\(scene.liar.errors)")
        let steps = scene.run.lastStep
        try eventually("more steps") { scene.run.lastStep > steps + 20 }
        scene.coordinator.send(SIGTERM)
        #expect(scene.coordinator.waitForExit() == 130, "\(scene.coordinator.errors)")
    }

    /// A coordinator, an honest worker, and one whose machine lies.
    private struct Scene {
        let run: RunFolder
        let coordinator: RunningProgram
        let honest: RunningProgram
        let liar: RunningProgram
        private let machine: FaultyMachine

        init(_ folder: TemporaryFolder, settings: [String], lie: FaultyMachine.Lie, from step: Int) throws {
            let run = RunFolder(path: folder.path("run"))
            self.run = run
            coordinator = try RunningProgram(
                [
                    "coordinator", RestartTests.job, "--bind", "tcp://127.0.0.1:*", "--bind-bulk", "tcp://127.0.0.1:*",
                    "--set", "output=\(run.path)",
                ] + settings)
            try eventually("the coordinator's address") { run.exists("run.json") }
            let info = try run.json("run.json")
            let (control, bulk) = (try #require(info["control"] as? String), try #require(info["bulk"] as? String))
            machine = try FaultyMachine(control: control, bulk: bulk, from: step, lie: lie)
            func worker(_ name: String, _ control: String, _ bulk: String) throws -> RunningProgram {
                try RunningProgram(["worker", "--name", name, "--connect", control, "--connect-bulk", bulk])
            }
            honest = try worker("honest", control, bulk)
            liar = try worker("liar", machine.control, machine.bulk)
        }
    }
}
