import Foundation
import Testing
import Training

/// Bad input gets a clear error before anything is started or written.
@Suite struct BadInputTests {
    /// Settings that make the digits job wrong, the exit status, and what the error must say.
    static let cases: [(settings: [String], status: Int32, message: String)] = [
        (["data.train.features=gone.safetensors#x"], 3, "gone.safetensors"),
        (["data.train.features=digits.safetensors#train.feature"], 3, "train.features"),
        (["data.train.labels=digits.safetensors#validation.labels"], 3, "220 rows of features"),
        (["data.train.features=digits.safetensors#train.labels"], 3, "have shape [220]"),
        (["head.weight=head.safetensors#bias"], 3, "head.weight"),
        (["head.bias=head.safetensors#weight"], 3, "head.bias"),
        (["objective.name=min-recal"], 3, "did you mean `min-recall`"),
        (["selmix.round=3"], 3, "selmix.rounds"),
        (["batch=60"], 3, "not divisible by shards 8"),
        (["selmix.temperature={relative: 0}"], 3, "selmix.temperature.relative"),
        (["cluster.orphanTimeout=1s"], 3, "orphanTimeout"),
        (["cluster.instructionSet=pentium"], 3, "pentium"),
        (["output=/proc/nowhere"], 1, "/proc/nowhere"),
    ]

    @Test(arguments: cases.indices)
    func isRefused(index: Int) throws {
        let (settings, status, message) = Self.cases[index]
        let folder = try TemporaryFolder()
        let output = folder.path("run")
        var arguments = ["train", Program.digits.appendingPathComponent("min-recall.yaml").path]
        if !settings[0].hasPrefix("output") { arguments += ["--set", "output=\(output)"] }
        let result = try Program.run(arguments + settings.flatMap { ["--set", $0] })
        #expect(result.status == status, "\(result.errors)")
        let lines = result.errors.split(separator: "\n")
        #expect(lines.first?.hasPrefix("error: ") == true, "\(result.errors)")
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: output), "something was written")
    }

    @Test func wrongTensorsAreRefused() throws {
        let folder = try TemporaryFolder()
        let d = 4
        var features = [Float](repeating: 0.5, count: 6 * d)
        let labels: [Int64] = [0, 1, 2, 0, 1, 2]
        try SafetensorsWriter.write(
            [
                TensorContent(name: "weight", shape: [3, d], values: [Float](repeating: 0.1, count: 3 * d)),
                TensorContent(name: "bias", shape: [3], values: [Float](repeating: 0, count: 3)),
            ], to: folder.path("head.safetensors"))
        func refusal(_ content: [TensorContent]) throws -> Program.Result {
            try SafetensorsWriter.write(content, to: folder.path("data.safetensors"))
            let job = """
                data:
                  train: {features: data.safetensors#x, labels: data.safetensors#y}
                  validation: {features: data.safetensors#x, labels: data.safetensors#y}
                head: {weight: head.safetensors#weight, bias: head.safetensors#bias}
                objective: min-recall
                output: run
                """
            try job.write(toFile: folder.path("job.yaml"), atomically: true, encoding: .utf8)
            return try Program.run("train", folder.path("job.yaml"), "--workers", "1")
        }
        func x(_ values: [Float]) -> TensorContent { TensorContent(name: "x", shape: [6, d], values: values) }
        func y(_ values: [Int64]) -> TensorContent { TensorContent(name: "y", shape: [6], values: values) }

        let outside = try refusal([x(features), y([0, 1, 2, 0, 1, 3])])
        #expect(outside.status == 3 && outside.errors.contains("label 3 in row 5"), "\(outside.errors)")
        let missing = try refusal([x(features), y([0, 1, 1, 0, 1, 1])])
        #expect(missing.status == 3 && missing.errors.contains("class 2 has no sample"), "\(missing.errors)")
        features[2 * d + 3] = .nan
        let poisoned = try refusal([x(features), y(labels)])
        #expect(poisoned.status == 3 && poisoned.errors.contains("nan in row 2, column 3"), "\(poisoned.errors)")
        let flat = try refusal([TensorContent(name: "x", shape: [24], values: features), y(labels)])
        #expect(flat.status == 3 && flat.errors.contains("shape [24]"), "\(flat.errors)")
        let narrow = try refusal([TensorContent(name: "x", shape: [6, 2], values: Array(features[0..<12])), y(labels)])
        #expect(narrow.status == 3 && narrow.errors.contains("dimension 2, the head 4"), "\(narrow.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
    }

    @Test func aRunThatIsThereIsNotOverwritten() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let first = try Program.run(shortJob(output: run.path))
        try #require(first.status == 0, "\(first.errors)")
        let report = try Data(contentsOf: URL(fileURLWithPath: run.path + "/report.json"))
        let second = try Program.run(shortJob(output: run.path))
        #expect(second.status == 1)
        #expect(second.errors.contains("holds a finished run"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: run.path + "/report.json")) == report)
    }

    @Test func aDirectoryInUseIsLocked() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let first = try RunningProgram(longJob(output: run.path, workers: 1) + ["--set", "selmix.rounds=20000"])
        try eventually("the first step") { run.lastStep >= 0 }
        let second = try Program.run(longJob(output: run.path, workers: 1))
        #expect(second.status == 1)
        #expect(second.errors.contains("another run is writing to"))
        first.send(SIGINT)
        #expect(first.waitForExit() == 130)
    }

    @Test func aPortInUseIsNamed() throws {
        let folder = try TemporaryFolder()
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        let first = try RunningProgram(
            ["coordinator", job, "--bind", "tcp://127.0.0.1:*", "--set", "output=\(folder.path("a"))"])
        let run = RunFolder(path: folder.path("a"))
        try eventually("the coordinator's address") { run.exists("run.json") }
        let address = try #require(try run.json("run.json")["control"] as? String)
        let second = try Program.run(
            "coordinator", job, "--bind", address, "--bind-bulk", "tcp://127.0.0.1:*", "--set",
            "output=\(folder.path("b"))")
        #expect(second.status == 4)
        #expect(second.errors.contains("the address \(address) is in use"))
        first.send(SIGTERM)
        #expect(first.waitForExit() == 130)
    }

    @Test(arguments: [
        ["train"], ["frobnicate"], ["train", "a.yaml", "--workers", "0"], ["worker", "--connect", "nonsense"],
        ["coordinator", "a.yaml", "--bind", "tcp://127.0.0.1:99999"],
    ])
    func wrongUsageIsStatusTwo(arguments: [String]) throws {
        let result = try Program.run(arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.hasPrefix("error: "))
        #expect(result.errors.contains("\nhint: "))
    }
}
