import Foundation
import Testing
import Training

/// Classifiers without a bias (cosine heads, `nn.Linear(bias=False)`): none is trained, written, or asked for.
@Suite struct HeadWithoutBiasTests {
    private let folder: TemporaryFolder
    private let job = Program.digits.appendingPathComponent("min-recall.yaml").path

    init() throws {
        folder = try TemporaryFolder()
        let head = try TensorFile.open(Program.digits.appendingPathComponent("head.safetensors").path)
        let weight = try head.tensor("weight")
        try SafetensorsWriter.write(
            [TensorContent(name: "fc.weight", shape: weight.shape, values: try weight.floatArray())],
            to: folder.path("head.safetensors"))
    }

    private func train(_ output: String, workers: Int, _ more: String..., head: String? = nil) throws -> Program.Result
    {
        let reference = head ?? "{weight: \(folder.path("head.safetensors"))#fc.weight}"
        return try Program.run(
            [
                "train", job, "--workers", "\(workers)", "--quiet", "--set", "head=\(reference)", "--set",
                "output=\(folder.path(output))", "--set", "selmix.rounds=3", "--set", "selmix.stepsPerRound=10",
                "--set",
                "optimizer.learningRate=0.01",
            ] + more.flatMap { ["--set", $0] })
    }

    @Test func noneIsTrainedOrWritten() throws {
        let first = try train("a", workers: 1)
        try #require(first.status == 0, "\(first.errors)")
        let tuned = try TensorFile.open(folder.path("a/head.safetensors"))
        #expect(tuned.names == ["weight"])
        let before = try TensorFile.open(folder.path("head.safetensors")).tensor(nil).floatArray()
        #expect(try tuned.tensor("weight").floatArray() != before)

        #expect(try train("b", workers: 3).status == 0)
        #expect(RunFolder(path: folder.path("a")).stepDigests == RunFolder(path: folder.path("b")).stepDigests)

        // Evaluating what was written gives what was reported.
        let evaluated = try Program.run(
            "evaluate", job, "--head", folder.path("a/head.safetensors"), "--json")
        try #require(evaluated.status == 0, "\(evaluated.errors)")
        let scores = try #require(JSONSerialization.jsonObject(with: Data(evaluated.output.utf8)) as? [String: Any])
        let after = try #require(RunFolder(path: folder.path("a")).json("report.json")["after"] as? [String: Any])
        for split in ["validation", "test"] {
            let (one, other) = (scores[split] as? [String: Any], after[split] as? [String: Any])
            #expect(one?["accuracy"] as? Double == other?["accuracy"] as? Double)
        }

        let exported = try Program.run(
            "checkpoint", "export", folder.path("a"), "--output", folder.path("c.safetensors"))
        #expect(exported.status == 0, "\(exported.errors)")
        #expect(try TensorFile.open(folder.path("c.safetensors")).names == ["weight"])
    }

    /// A head with zeros as its bias is another one: it trains one.
    @Test func zerosAreABias() throws {
        let weight = try TensorFile.open(folder.path("head.safetensors")).tensor(nil)
        try SafetensorsWriter.write(
            [
                TensorContent(name: "fc.weight", shape: weight.shape, values: try weight.floatArray()),
                TensorContent(name: "fc.bias", shape: [10], values: [Float](repeating: 0, count: 10)),
            ], to: folder.path("both.safetensors"))
        let both = folder.path("both.safetensors")
        let result = try train("z", workers: 1, head: "{weight: \(both)#fc.weight, bias: \(both)#fc.bias}")
        try #require(result.status == 0, "\(result.errors)")
        let bias = try TensorFile.open(folder.path("z/head.safetensors")).tensor("bias").floatArray()
        #expect(bias.contains { $0 != 0 })

        // Left out although it is there: trained without, and said.
        let forgotten = try train("f", workers: 1, head: "{weight: \(both)#fc.weight}")
        #expect(forgotten.status == 0 && forgotten.errors.contains("no bias is trained"), "\(forgotten.errors)")
        let report = try RunFolder(path: folder.path("f")).json("report.json")
        #expect((report["warnings"] as? [String])?.first?.contains("both.safetensors#fc.bias") == true)
    }

    @Test func theSameSamplesTwiceAreSaid() throws {
        let digits = Program.digits.appendingPathComponent("digits.safetensors").path
        let validation = "{features: \(digits)#train.features, labels: \(digits)#train.labels}"
        // With folds it is refused: what the head has seen judges nothing.
        let folds = try train("r", workers: 1, "data.validation=\(validation)")
        #expect(folds.status == 3 && folds.errors.contains("220 of 220 validation rows are training samples"))
        let result = try train("s", workers: 1, "data.validation=\(validation)", "selmix.folds=1")
        #expect(result.status == 0 && result.output.contains("warning: validation: all 220 samples are in train too"))
        #expect(result.errors.contains("validation: all 220 samples are in train too"), "\(result.errors)")
        let page = try String(contentsOfFile: folder.path("s/report.html"), encoding: .utf8)
        #expect(page.contains("all 220 samples are in train too"))
        let described = try Program.run("data", "describe", job, "--set", "data.validation=\(validation)")
        #expect(
            described.output.contains("problem: validation: all 220 samples are in train too"), "\(described.output)")
        let evaluated = try Program.run("evaluate", job, "--set", "data.validation=\(validation)")
        #expect(evaluated.errors.contains("warning: validation: all 220"), "\(evaluated.errors)")
    }
}
