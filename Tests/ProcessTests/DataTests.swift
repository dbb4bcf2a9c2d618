import Foundation
import Testing
import Training

/// Data sets made up, looked at, and trained on.
@Suite struct DataTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let small = ["--classes", "12", "--dimension", "32", "--largest", "80", "--smallest", "3"]

    private func synthesize(_ name: String, _ more: String..., type: String = "float32") throws -> Program.Result {
        try Program.run(
            ["data", "synthesize", "--profile", "custom", "--output", folder.path(name), "--type", type, "--json"]
                + Self.small + more)
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func aMadeUpSetCanBeTrainedOnAndImproves() throws {
        let made = try synthesize("set", "--seed", "5")
        try #require(made.status == 0, "\(made.errors)")
        let report = try object(made.output)
        #expect((report["samples"] as? [String: Int])?["validation"] == 240)
        let run = RunFolder(path: folder.path("set/run"))
        let train = try Program.run("train", folder.path("set/job.yaml"), "--workers", "2", "--quiet")
        #expect(train.status == 0, "\(train.errors)")
        let result = try run.json("report.json")
        func tail(_ when: String) throws -> Double {
            let validation = try #require((result[when] as? [String: Any])?["validation"] as? [String: Any])
            return try #require(validation["tailRecall"] as? Double)
        }
        #expect(try tail("before") == #require(report["tailRecall"] as? Double))
        #expect(try tail("after") > tail("before") + 0.1)

        let again = try synthesize("again", "--seed", "5")
        #expect(again.status == 0)
        for name in ["data.safetensors", "head.safetensors"] {
            #expect(
                FileManager.default.contentsEqual(
                    atPath: folder.path("set/\(name)"), andPath: folder.path("again/\(name)")))
        }
    }

    /// Narrow features give the run that their values in float32 give: same digests, step by step.
    @Test(arguments: ["float16", "bfloat16"]) func narrowFeaturesAreTheirValues(type: String) throws {
        let made = try synthesize("narrow", type: type)
        try #require(made.status == 0, "\(made.errors)")
        try FileManager.default.copyItem(atPath: folder.path("narrow"), toPath: folder.path("wide"))
        let file = try TensorFile.open(folder.path("narrow/data.safetensors"))
        #expect("\(try file.tensor("train.features").dataType)" == type)
        try SafetensorsWriter.write(
            file.tensors.map { tensor in
                tensor.dataType.isInteger
                    ? TensorContent(name: tensor.name, shape: tensor.shape, values: try tensor.integers())
                    : TensorContent(name: tensor.name, shape: tensor.shape, values: try tensor.floatArray())
            }, to: folder.path("wide/data.safetensors"))
        var digests: [[String]] = []
        for name in ["narrow", "wide"] {
            let train = try Program.run(
                "train", folder.path("\(name)/job.yaml"), "--workers", "2", "--quiet", "--set", "selmix.rounds=3")
            try #require(train.status == 0, "\(train.errors)")
            digests.append(RunFolder(path: folder.path("\(name)/run")).stepDigests)
        }
        #expect(digests[0].count == 75)
        #expect(digests[0] == digests[1])
    }

    @Test func whatIsThereIsKept() throws {
        try FileManager.default.createDirectory(atPath: folder.path("set"), withIntermediateDirectories: false)
        try "mine".write(toFile: folder.path("set/notes.txt"), atomically: true, encoding: .utf8)
        let refused = try synthesize("set")
        #expect(refused.status == 1 && refused.errors.contains("/set is not empty"), "\(refused.errors)")
        #expect(try String(contentsOfFile: folder.path("set/notes.txt"), encoding: .utf8) == "mine")
        try FileManager.default.removeItem(atPath: folder.path("set/notes.txt"))
        #expect(try synthesize("set").status == 0, "an empty folder is taken")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["set"])
    }

    @Test(arguments: [
        (["--classes", "1"], "--classes is 1"), (["--smallest", "90"], "--smallest is 90"),
        (["--samples", "82"], "cannot have 82 in all"), (["--type", "float64"], "float64"),
        (["--profile", "imagenet"], "imagenet-lt"),
    ])
    func contradictionsAreUsage(arguments: [String], message: String) throws {
        let result = try Program.run(
            ["data", "synthesize", "--profile", "custom", "--output", folder.path("x")] + Self.small + arguments)
        #expect(result.status == 2, "\(result.errors)")
        #expect(result.errors.contains(message) && result.errors.contains("hint: "), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("x")))
    }

    @Test func anInterruptedSetLeavesNothing() throws {
        let making = try RunningProgram([
            "data", "synthesize", "--profile", "inaturalist-2018", "--dimension", "64", "--epochs", "1000", "--output",
            folder.path("set"),
        ])
        try eventually("the folder aside") {
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path).contains { $0.hasSuffix(".partial") }
        }
        making.send(SIGINT)
        #expect(making.waitForExit() == 130)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    /// Needs the right to mount; `scripts/test --all` as root gives it.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["SELMIX_TEST_MOUNT"] != nil, "needs root: scripts/test --all"))
    func tooSmallADiskIsSaidBeforeAnythingIsWritten() throws {
        let disk = folder.path("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        try #require(system("mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk))
        defer { _ = system("umount", disk) }
        let refused = try synthesize("disk/set", "--dimension", "1000")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("free, and the data set needs"), "\(refused.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk).isEmpty)
    }

    // MARK: Looking at data

    @Test func describeTellsWhatIsThere() throws {
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        let result = try Program.run("data", "describe", job, "--json")
        try #require(result.status == 0, "\(result.errors)")
        let description = try object(result.output)
        let splits = try #require(description["splits"] as? [[String: Any]])
        #expect(splits.map { $0["name"] as? String } == ["train", "validation", "test"])
        #expect(splits.map { $0["samples"] as? Int } == [220, 791, 786])
        #expect(splits[0]["largestClass"] as? Int == 78 && splits[0]["smallestClass"] as? Int == 2)
        #expect(splits[0]["imbalance"] as? Double == 39 && splits[0]["bytes"] as? Int == 220 * 64 * 4)
        #expect((description["problems"] as? [String])?.isEmpty == true)
        let text = try Program.run("data", "describe", job)
        #expect(text.output.contains("no problems found") && text.output.contains("10-19"), "\(text.output)")
    }

    @Test func describeTellsEveryProblemAtOnce() throws {
        var features = [Float](repeating: 1, count: 6 * 4)
        features[2 * 4 + 3] = .nan
        for index in 16..<20 { features[index] = 0 }
        try SafetensorsWriter.write(
            [
                TensorContent(name: "train.x", shape: [6, 4], values: features),
                TensorContent(name: "train.y", shape: [6], values: [0, 1, 1, 0, 1, 1]),
                TensorContent(name: "val.x", shape: [3, 4], values: [Float](repeating: 100, count: 12)),
                TensorContent(name: "val.y", shape: [3], values: [0, 1, 2]),
                TensorContent(name: "weight", shape: [3, 4], values: [Float](repeating: 0, count: 12)),
                TensorContent(name: "bias", shape: [3], values: [Float](repeating: 0, count: 3)),
            ], to: folder.path("data.safetensors"))
        let made = try Program.run("init", folder.path("data.safetensors"), "--output", folder.path("job.yaml"))
        try #require(made.status == 0, "\(made.errors)")
        let result = try Program.run("data", "describe", folder.path("job.yaml"))
        #expect(result.status == 0)
        for problem in [
            "train: 1 rows hold a NaN or an infinity, the first is row 2", "train: 1 rows are all zeros",
            "train: 1 classes have no sample, the first is class 2", "validation: the features' mean norm is",
        ] {
            #expect(result.output.contains("problem: \(problem)"), "\(result.output)")
        }
    }

    @Test func initWritesAJobThatRuns() throws {
        for name in ["digits.safetensors", "head.safetensors"] {
            try FileManager.default.copyItem(
                atPath: Program.digits.appendingPathComponent(name).path, toPath: folder.path(name))
        }
        let arguments = ["init", folder.path("digits.safetensors"), folder.path("head.safetensors"), "--output"]
        let made = try Program.run(arguments + [folder.path("job.yaml"), "--objective", "h-mean"])
        try #require(made.status == 0, "\(made.errors)")
        let text = try String(contentsOfFile: folder.path("job.yaml"), encoding: .utf8)
        #expect(text.contains("train: {features: digits.safetensors#train.features,"))
        let train = try Program.run(
            "train", folder.path("job.yaml"), "--workers", "1", "--quiet", "--set", "selmix.rounds=2")
        #expect(train.status == 0, "\(train.errors)")

        let again = try Program.run(arguments + [folder.path("job.yaml")])
        #expect(again.status == 1 && again.errors.contains("is there already"))
        #expect(try String(contentsOfFile: folder.path("job.yaml"), encoding: .utf8) == text)
        let wrong = try Program.run(arguments + [folder.path("other.yaml"), "--objective", "h-maen"])
        #expect(wrong.status == 3 && wrong.errors.contains("did you mean `h-mean`"), "\(wrong.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("other.yaml")))
    }
}
