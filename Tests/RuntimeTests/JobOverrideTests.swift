import Common
import Testing

@testable import Runtime

/// `--set key.path=value`.
@Suite struct JobOverrideTests {
    private func error(_ override: String, in more: String = "") -> SelMixError? {
        #expect(throws: SelMixError.self) { try JobFileTests.parse(more, overrides: [override]) }
    }

    @Test func valuesArePlacedInTheTree() throws {
        let job = try JobFileTests.parse(
            "batch: 32\nselmix: {rounds: 5, stepsPerRound: 7}",
            overrides: [
                "batch=128", "selmix.rounds=9", "optimizer.learningRate=1e-2", "selmix.mixRatio=[0.5, 0.75]",
                "selmix.temperature.absolute=0.1", "cluster={shards: 4}", "data.test={features: t.npy, labels: l.npy}",
                "name=a=b", "output=elsewhere",
            ])
        #expect((job.batch, job.selmix.rounds, job.selmix.stepsPerRound) == (128, 9, 7))
        #expect(job.optimizer.learningRate == 0.01 && job.selmix.mixRatio == 0.5...0.75)
        #expect(job.selmix.temperature == .absolute(0.1) && job.cluster.shards == 4)
        #expect(job.data.test == SplitFiles(features: "/jobs/t.npy", labels: "/jobs/l.npy"))
        #expect(job.name == "a=b" && job.output == "/jobs/elsewhere")
    }

    @Test func laterOnesWinAndNullUnsets() throws {
        #expect(try JobFileTests.parse(overrides: ["batch=8", "batch=16"]).batch == 16)
        #expect(try JobFileTests.parse("batch: 8", overrides: ["batch=null"]).batch == 64)
        #expect(try JobFileTests.parse("selmix:", overrides: ["selmix.rounds=2"]).selmix.rounds == 2)
    }

    @Test func theShortFormOfTheObjectiveCanBeExtendedAndReplaced() throws {
        let extended = try JobFileTests.parse(overrides: ["objective.rate=20"]).objective
        #expect(extended.name == "min-recall" && extended.rate == 20)
        let replaced = try JobFileTests.parse(overrides: ["objective.rate=20", "objective=g-mean"]).objective
        #expect(replaced.name == "g-mean" && replaced.rate == nil)
        let continued = try JobFileTests.parse(overrides: ["objective=min-recall", "objective.decay=0.5"]).objective
        #expect(continued.name == "min-recall" && continued.decay == 0.5)
    }

    @Test func mistakesNameTheArgument() {
        let type = error("batch=abc")
        #expect(type?.message == "`batch` must be a whole number, not `abc` (--set batch=abc)")
        #expect(type?.code == .invalidInput)
        let key = error("selmix.round=3")
        #expect(key?.message == "unknown key `selmix.round` (--set selmix.round=3)")
        #expect(key?.hint == "did you mean `selmix.rounds`?")
        let unknown = error("foo.bar=3")
        #expect(unknown?.message == "unknown key `foo` (--set foo.bar=3)")
        let range = error("cluster.shards=0")
        #expect(range?.message == "`cluster.shards` is 0 (--set cluster.shards=0)")
        let shares = error("cluster.shards=5")
        #expect(shares?.message == "batch 64 is not divisible by shards 5 (--set cluster.shards=5)")
        let yaml = error("selmix.mixRatio=[1")
        #expect(yaml?.message.hasPrefix("this is not valid YAML: ") == true)
        #expect(yaml?.message.hasSuffix("(--set selmix.mixRatio=[1)") == true)
    }

    @Test func aPathIntoAValueIsRefused() {
        let scalar = error("batch.size=3", in: "batch: 8")
        #expect(
            scalar?.message
                == "`batch` is `8` in /jobs/job.yaml line 7, so nothing can be set inside it (--set batch.size=3)")
        #expect(scalar?.hint == "set `batch` as a whole")
        let list = error("selmix.mixRatio.0=0.5", in: "selmix: {mixRatio: [0.1, 0.2]}")
        #expect(list?.message.hasPrefix("`selmix.mixRatio` is a list in ") == true)
        #expect(list?.hint == "set `selmix.mixRatio` as a whole")
    }

    @Test(arguments: ["batch", "=3", ".batch=3", "selmix..rounds=3", ""])
    func whatIsNoAssignmentIsAUsageError(argument: String) {
        let error = error(argument)
        #expect(error?.code == .usage)
        #expect(error?.message == "`--set \(argument)` is not of the form key.path=value")
        #expect(error?.hint == "such as `--set selmix.rounds=20`")
    }
}
