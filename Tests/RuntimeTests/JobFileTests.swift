import Foundation
import Testing

@testable import Runtime

/// What a job file that is right decodes to.
@Suite struct JobFileTests {
    /// The form as the documentation shows it, every default written out.
    static let full = """
        name: digits-lt
        seed: 0
        data:                       # a comment
          train:      {features: digits.safetensors#train.features, labels: digits.safetensors#train.labels}
          validation: {features: digits.safetensors#validation.features, labels: digits.safetensors#validation.labels}
          test:       {features: digits.safetensors#test.features, labels: digits.safetensors#test.labels}
        head: {weight: head.safetensors#weight, bias: head.safetensors#bias}
        objective: {name: min-recall}
        selmix: {policy: selmix, folds: 4, start: adjusted, temperature: {relative: 4}, mixRatio: [0.6, 1.0], formula: paper, rounds: 60, stepsPerRound: 100}
        optimizer: {learningRate: auto, momentum: 0.9, weightDecay: 5e-4, schedule: cosine}
        batch: 64
        cluster: {shards: 8, precision: float32, failureTimeout: 2s}
        output: runs/digits-lt
        """

    /// Only what is required, one key a line where errors are looked for.
    static let minimal = """
        data:
          train: {features: a.npy, labels: b.npy}
          validation: {features: c.npy, labels: d.npy}
        head: {weight: h.safetensors#weight, bias: h.safetensors#bias}
        objective: min-recall
        output: out
        """

    /// The minimal file with more lines after it; the first of them is line 7.
    static func parse(_ more: String = "", overrides: [String] = []) throws -> Job {
        try JobFile.parse(minimal + "\n" + more, path: "/jobs/job.yaml", overrides: overrides)
    }

    @Test func theFormDecodesToItsDefaults() throws {
        let job = try JobFile.parse(Self.full, path: "/jobs/digits.yaml")
        #expect(job.name == "digits-lt")
        #expect(job.seed == 0)
        #expect(job.data.train.features == "/jobs/digits.safetensors#train.features")
        #expect(job.data.train.labels == "/jobs/digits.safetensors#train.labels")
        #expect(job.data.validation.labels == "/jobs/digits.safetensors#validation.labels")
        #expect(job.data.test?.features == "/jobs/digits.safetensors#test.features")
        #expect(job.data.unlabeled == nil)
        #expect(job.head == HeadFiles(weight: "/jobs/head.safetensors#weight", bias: "/jobs/head.safetensors#bias"))
        #expect(job.objective.name == "min-recall" && job.objective.rate == nil)
        #expect(job.output == "/jobs/runs/digits-lt")
        #expect(job.selmix == SelMixSettings())
        #expect(job.optimizer == OptimizerSettings())
        #expect(job.cluster == ClusterSettings())
        #expect(job.batch == 64)
    }

    @Test func theDefaultsAreTheDocumentedOnes() throws {
        let job = try Self.parse()
        #expect(job.name == "job")
        #expect(job.objective.name == "min-recall")
        #expect(job.data.test == nil)
        #expect(job.selmix.policy.rawValue == "selmix" && job.selmix.formula.rawValue == "paper")
        #expect(job.selmix.temperature == .relative(4))
        #expect(job.selmix.temperature.temperature == .relative(4))
        #expect(job.selmix.mixRatio == 0.6...1.0)
        #expect(abs(job.selmix.mixRatioMean - 0.8) < 1e-15)
        #expect((job.selmix.rounds, job.selmix.stepsPerRound, job.selmix.steps) == (60, 100, 6000))
        #expect(job.selmix.diagonalSmoothing == 0.5)
        #expect((job.selmix.folds, job.selmix.start) == (4, .adjusted))
        #expect(job.optimizer.learningRate == .auto)
        #expect((job.optimizer.momentum, job.optimizer.weightDecay) == (0.9, 5e-4))
        #expect(job.optimizer.schedule == .cosine)
        #expect((job.cluster.shards, job.cluster.minWorkers, job.batch, job.checkpoints.keep) == (8, 1, 64, 3))
        #expect((job.cluster.failureTimeout, job.cluster.workerWait, job.cluster.orphanTimeout) == (2, 60, 60))
        #expect(job.cluster.audit == 0 && job.cluster.precision == .float32 && job.cluster.instructionSet == nil)
    }

    @Test func everySettingIsRead() throws {
        let job = try JobFile.parse(
            """
            name: "123"
            seed: 18446744073709551615
            data:
              train: {features: a.npy, labels: b.npy}
              validation: {features: c.npy, labels: d.npy}
              unlabeled: {features: /elsewhere/u.npy}
            head: {weight: ~/h.safetensors#a/../b, bias: ../h.safetensors#./b}
            objective:
              name: h-mean-head-tail-coverage
              rate: 1_0
              decay: .5
              alpha: 0.9
              tau: 2e-2
              multiplierMax: 10
              tailFraction: 0.2
            selmix:
              policy: class-balanced
              temperature: {absolute: 1}
              mixRatio: [0, 0.5]
              formula: reference
              rounds: 1_000
              stepsPerRound: 7
              diagonalSmoothing: 0
            optimizer: {learningRate: 1E-2, momentum: 0, weightDecay: 0, schedule: constant}
            batch: 12
            cluster:
              shards: 3
              audit: 0.25
              failureTimeout: 500ms
              minWorkers: 2
              workerWait: 1.5m
              orphanTimeout: 30
              instructionSet: avx2
            checkpoints: {keep: 5}
            output: /absolute/./out
            """, path: "/jobs/x.y.yaml")
        #expect(job.name == "123" && job.seed == .max)
        #expect(job.data.unlabeled?.features == "/elsewhere/u.npy")
        #expect(
            job.head
                == HeadFiles(weight: NSHomeDirectory() + "/h.safetensors#a/../b", bias: "/jobs/../h.safetensors#./b"))
        #expect((job.objective.rate, job.objective.decay, job.objective.alpha) == (10, 0.5, 0.9))
        #expect((job.objective.tau, job.objective.multiplierMax, job.objective.tailFraction) == (0.02, 10, 0.2))
        #expect(job.selmix.policy.rawValue == "class-balanced" && job.selmix.formula.rawValue == "reference")
        #expect(job.selmix.temperature == .absolute(1) && job.selmix.mixRatio == 0...0.5)
        #expect((job.selmix.rounds, job.selmix.stepsPerRound, job.selmix.diagonalSmoothing) == (1000, 7, 0))
        #expect((job.optimizer.learningRate, job.optimizer.momentum, job.optimizer.weightDecay) == (0.01, 0, 0))
        #expect(job.optimizer.schedule == .constant)
        #expect((job.batch, job.cluster.shards, job.cluster.minWorkers, job.checkpoints.keep) == (12, 3, 2, 5))
        #expect((job.cluster.failureTimeout, job.cluster.workerWait, job.cluster.orphanTimeout) == (0.5, 90, 30))
        #expect(job.cluster.instructionSet == "avx2" && job.cluster.audit == 0.25)
        #expect(job.output == "/absolute/out")
    }

    @Test func aKeyWithoutAValueIsNotSet() throws {
        #expect(try Self.parse("selmix:\ncluster: {instructionSet: null, shards: ~}\nbatch:") == Self.parse())
    }

    @Test func otherEditorsWritesAreRead() throws {
        let lines = Self.full.replacing("\n", with: "\r\n")
        #expect(try JobFile.parse("\u{feff}" + lines, path: "x") == JobFile.parse(Self.full, path: "x"))
    }

    @Test func theNameComesFromTheFile() throws {
        for (path, name) in [("a/b.yaml", "b"), ("/x.y.yml", "x.y"), ("plain", "plain"), (".yaml", ".yaml")] {
            #expect(try JobFile.parse(Self.minimal, path: path).name == name)
        }
    }

    @Test func relativePathsStartFromTheFolderOfTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "job-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "mine.yaml")
        try Data(Self.minimal.utf8).write(to: file)
        let job = try JobFile.load(file.path)
        #expect(job.output == folder.path + "/out" && job.name == "mine")
        let here = FileManager.default.currentDirectoryPath
        #expect(try JobFile.parse(Self.minimal, path: "sub/job.yaml").data.train.labels == "\(here)/sub/b.npy")
    }

    @Test func aJobSurvivesJSON() throws {
        var job = try JobFile.parse(Self.full, path: "/jobs/digits.yaml")
        for seed: UInt64 in [0, 1 << 53 + 1, .max] {
            for temperature in [TemperatureSettings.relative(0.25), .absolute(0.1)] {
                (job.seed, job.selmix.temperature) = (seed, temperature)
                #expect(try JSONDecoder().decode(Job.self, from: JSONEncoder().encode(job)) == job)
            }
        }
    }
}
