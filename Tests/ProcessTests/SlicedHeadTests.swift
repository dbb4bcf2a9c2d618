import Common
import Foundation
import SelMix
import Testing
import Training

/// Heads that travel in slices: the same bytes whoever computes them, in both precisions, also when somebody dies.
@Suite struct SlicedHeadTests {
    private static let (classes, dimension, rows) = (300, 1024, 1500)

    /// A job whose head has two slices.
    private static func writeJob(_ folder: TemporaryFolder) throws -> String {
        let philox = Philox(seed: 9)
        let centres = (0..<classes * dimension).map {
            Float(philox.block(.synthesis, index: 0, slot: $0).low.unitInterval - 0.5)
        }
        func features(_ lane: UInt32) -> [Float] {
            (0..<rows * dimension).map { index in
                let (row, column) = (index / dimension, index % dimension)
                let noise = Float(philox.block(.synthesis, index: 1, slot: index, lane: lane).low.unitInterval - 0.5)
                return centres[row % classes * dimension + column] + 6 * noise
            }
        }
        let labels = (0..<rows).map { Int64($0 % classes) }
        try SafetensorsWriter.write(
            [
                TensorContent(name: "train.x", shape: [rows, dimension], values: features(0)),
                TensorContent(name: "validation.x", shape: [rows, dimension], values: features(1)),
                TensorContent(name: "y", shape: [rows], values: labels),
                TensorContent(name: "weight", shape: [classes, dimension], values: centres.map { $0 / 50 }),
                TensorContent(name: "bias", shape: [classes], values: [Float](repeating: 0, count: classes)),
            ], to: folder.path("data.safetensors"))
        try """
        data:
          train: {features: data.safetensors#train.x, labels: data.safetensors#y}
          validation: {features: data.safetensors#validation.x, labels: data.safetensors#y}
        head: {weight: data.safetensors#weight, bias: data.safetensors#bias}
        objective: {name: mean-recall}
        selmix: {rounds: 2, stepsPerRound: 12}
        optimizer: {learningRate: 0.1}
        output: run
        """.write(toFile: folder.path("job.yaml"), atomically: true, encoding: .utf8)
        return folder.path("job.yaml")
    }

    @Test(arguments: ["float32", "bfloat16"])
    func bytesDoNotDependOnWorkersNorOnDeaths(precision: String) throws {
        guard precision == "float32" || Precision.bfloat16.isNative(in: InstructionSet.best) else { return }
        let folder = try TemporaryFolder()
        let job = try Self.writeJob(folder)
        func arguments(_ name: String, workers: Int, _ more: String...) -> [String] {
            [
                "train", job, "--quiet", "--workers", "\(workers)", "--set", "output=\(folder.path(name))", "--set",
                "cluster.precision=\(precision)",
            ] + more.flatMap { ["--set", $0] }
        }
        let alone = RunFolder(path: folder.path("alone"))
        let first = try Program.run(arguments("alone", workers: 1))
        try #require(first.status == 0, "\(first.errors)")
        #expect(alone.stepDigests.count == 24)
        for (name, workers, trace) in [("three", 3, "steps"), ("traced", 2, "shards")] {
            let result = try Program.run(arguments(name, workers: workers, "trace=\(trace)"))
            try #require(result.status == 0, "\(result.errors)")
            #expect(RunFolder(path: folder.path(name)).stepDigests == alone.stepDigests)
        }

        let disturbed = RunFolder(path: folder.path("disturbed"))
        let train = try RunningProgram(arguments("disturbed", workers: 3, "cluster.failureTimeout=1s"))
        try eventually("step 3") { disturbed.lastStep >= 3 }
        kill(try #require(disturbed.workers["local-2"]), SIGKILL)
        #expect(train.waitForExit() == 0, "\(train.errors)")
        #expect(disturbed.stepDigests == alone.stepDigests)
    }

    /// The workers sum among themselves: no byte changes, also when one of them dies, and nothing has to be given up in a
    /// run without deaths.
    @Test(arguments: ["float32", "bfloat16"])
    func bytesDoNotDependOnWhoSums(precision: String) throws {
        guard precision == "float32" || Precision.bfloat16.isNative(in: InstructionSet.best) else { return }
        let folder = try TemporaryFolder()
        let job = try Self.writeJob(folder)
        func arguments(_ name: String, _ more: String...) -> [String] {
            [
                "train", job, "--quiet", "--workers", "3", "--set", "output=\(folder.path(name))", "--set",
                "cluster.precision=\(precision)",
            ] + more.flatMap { ["--set", $0] }
        }
        let plain = RunFolder(path: folder.path("plain"))
        let first = try Program.run(arguments("plain"))
        try #require(first.status == 0, "\(first.errors)")

        let group = RunFolder(path: folder.path("group"))
        let second = try Program.run(arguments("group", "cluster.reduction=workers"))
        try #require(second.status == 0, "\(second.errors)")
        #expect(group.stepDigests == plain.stepDigests)
        #expect(
            group.events("reduction").map { ($0["members"] as? [String])?.sorted() } == [
                ["local-1", "local-2", "local-3"]
            ])

        let disturbed = RunFolder(path: folder.path("disturbed"))
        let train = try RunningProgram(
            arguments("disturbed", "cluster.reduction=workers", "cluster.failureTimeout=1s"))
        try eventually("step 3") { disturbed.lastStep >= 3 }
        kill(try #require(disturbed.workers["local-2"]), SIGKILL)
        #expect(train.waitForExit() == 0, "\(train.errors)")
        #expect(disturbed.stepDigests == plain.stepDigests)
        #expect((disturbed.events("reduction").last?["members"] as? [String])?.sorted() == ["local-1", "local-3"])
    }

    /// As behind a firewall: each step's group is given up, and after a few the coordinator sums for good.
    @Test func workersThatCannotReachEachOtherAreSummedFor() throws {
        let folder = try TemporaryFolder()
        let job = try Self.writeJob(folder)
        let plain = RunFolder(path: folder.path("plain"))
        let first = try Program.run(["train", job, "--quiet", "--set", "output=\(plain.path)"] + constantRate)
        try #require(first.status == 0, "\(first.errors)")

        let run = RunFolder(path: folder.path("run"))
        // Without an end, as who is slow for a while sits out steps, in which there is no group.
        let coordinator = try RunningProgram(
            [
                "coordinator", job, "--quiet", "--bind", "ipc://\(folder.path("c"))", "--set", "output=\(run.path)",
                "--set", "cluster.minWorkers=2", "--set", "cluster.reduction=workers", "--set",
                "cluster.failureTimeout=1s", "--set", "selmix.rounds=20000",
            ] + constantRate)
        func worker(_ name: String) throws -> RunningProgram {
            try RunningProgram(["worker", "--name", name, "--connect", "ipc://\(folder.path("c"))"])
        }
        func listening() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).filter { $0.hasPrefix("peer-") }
        }
        try eventually("the coordinator") { run.exists("run.json") }
        let one = try worker("one")
        try eventually("where the first worker listens") { try !listening().isEmpty }
        for name in try listening() { try FileManager.default.removeItem(atPath: folder.path(name)) }
        let two = try worker("two")

        func reasons() -> [String] { run.events("reduction").compactMap { $0["reason"] as? String } }
        try eventually("that groups are left alone") { reasons().contains { $0.contains("have failed 3 times") } }
        try eventually("as many steps as the other run has") { run.lastStep + 1 >= plain.stepDigests.count }
        coordinator.send(SIGINT)
        #expect(coordinator.waitForExit() == 130, "\(coordinator.errors)")
        for worker in [one, two] { #expect(worker.waitForExit() == 0, "\(worker.errors)") }
        #expect(reasons().contains { $0.contains("no sums from one: can all workers reach each other?") })
        #expect(Array(run.stepDigests.prefix(plain.stepDigests.count)) == plain.stepDigests)
    }

    /// One of two workers has a link of 100 kB a second to the coordinator. Beside a run in which the coordinator sums, one with groups
    /// gets on about as well: the slow one holds up a few steps, and not all.
    @Test func aSlowLinkDoesNotHoldUpAllWhoSum() throws {
        let folder = try TemporaryFolder()
        let job = try Self.writeJob(folder)
        struct Side {
            let run: RunFolder
            let coordinator: RunningProgram
            let workers: [RunningProgram]
            let proxies: [RecordingProxy]
        }
        func start(_ reduction: String) throws -> Side {
            let run = RunFolder(path: folder.path(reduction))
            let coordinator = try RunningProgram(
                [
                    "coordinator", job, "--quiet", "--bind", "tcp://127.0.0.1:*", "--set", "output=\(run.path)",
                    "--set",
                    "cluster.reduction=\(reduction)", "--set", "selmix.rounds=20000",
                ] + constantRate)
            try eventually("the coordinator's address") { run.exists("run.json") }
            let info = try run.json("run.json")
            let addresses = try ["control", "bulk"].map { try #require(info[$0] as? String) }
            let proxies = try addresses.map { try RecordingProxy(before: $0, rate: 100_000) }
            let workers = try [addresses, proxies.map(\.address)].enumerated().map { index, ends in
                try RunningProgram(["worker", "--name", "w\(index)", "--connect", ends[0], "--connect-bulk", ends[1]])
            }
            return Side(run: run, coordinator: coordinator, workers: workers, proxies: proxies)
        }
        // At the same time, so that both have the machine that the other has.
        let sides = try ["coordinator", "workers"].map(start)
        defer { for side in sides { for proxy in side.proxies { proxy.stop() } } }
        let steps = 600
        try eventually("\(steps) steps", within: .seconds(300)) { sides[0].run.lastStep >= steps }
        let behind = sides[1].run.lastStep
        #expect(behind >= steps / 6, "\(behind) steps with groups, \(steps) without")
        for side in sides { side.coordinator.send(SIGINT) }
        for side in sides { #expect(side.coordinator.waitForExit() == 130, "\(side.coordinator.errors)") }
        let common = min(behind, steps)
        #expect(Array(sides[0].run.stepDigests.prefix(common)) == Array(sides[1].run.stepDigests.prefix(common)))
        print("a slow link: \(behind) steps with groups while the coordinator alone summed \(steps)")
        print(sides[1].run.events("reduction").prefix(12).compactMap { $0["reason"] as? String })
    }

    /// Its feature sums are the longest frame that a worker may send.
    @Test(arguments: ["coordinator", "workers"])
    func bytesAreTheSameBetweenMachinesWithKeys(reduction: String) throws {
        let folder = try TemporaryFolder()
        let job = try Self.writeJob(folder)
        let alone = RunFolder(path: folder.path("alone"))
        let first = try Program.run("train", job, "--quiet", "--set", "output=\(alone.path)")
        try #require(first.status == 0, "\(first.errors)")

        let keys = try KeyFolder(folder.path("keys"), workers: "one", "two")
        let run = RunFolder(path: folder.path("run"))
        let coordinator = try RunningProgram([
            "coordinator", job, "--quiet", "--bind", "tcp://127.0.0.1:*", "--keys", keys.path, "--set",
            "output=\(run.path)", "--set", "cluster.minWorkers=2", "--set", "cluster.reduction=\(reduction)",
        ])
        try eventually("the coordinator's address") { run.exists("run.json") }
        let info = try run.json("run.json")
        let workers = try ["one", "two"].map { name in
            try RunningProgram([
                "worker", "--name", name, "--keys", keys.path, "--connect", try #require(info["control"] as? String),
                "--connect-bulk", try #require(info["bulk"] as? String),
            ])
        }
        #expect(coordinator.waitForExit() == 0, "\(coordinator.errors)")
        for worker in workers { #expect(worker.waitForExit() == 0, "\(worker.errors)") }
        #expect(run.stepDigests == alone.stepDigests)
        #expect(run.events("worker-lost").isEmpty)
        #expect(
            run.events("reduction").map { ($0["members"] as? [String])?.sorted() }
                == (reduction == "workers" ? [["one", "two"]] : []))
    }

    @Test func bfloat16NeedsAProcessorThatHasIt() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run(
            "train", try Self.writeJob(folder), "--quiet", "--set", "cluster.precision=bfloat16", "--set",
            "cluster.instructionSet=avx2")
        #expect(result.status == 3)
        #expect(result.errors.contains("error: the instruction set avx2 has no products of bfloat16"))
        #expect(result.errors.contains("hint: set `cluster.precision: float32`"))
    }
}
