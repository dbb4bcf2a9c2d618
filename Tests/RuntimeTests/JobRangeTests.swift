import Common
import Testing

@testable import Runtime

/// Values of the right type that are not allowed, each with the words that say what is.
@Suite struct JobRangeTests {
    private func error(_ text: String) -> SelMixError? {
        #expect(throws: SelMixError.self) {
            try JobFile.parse(JobFileTests.minimal + "\n" + text, path: "job.yaml")
        }
    }

    @Test(arguments: [
        ("selmix", "rounds", "0", "from 1 to 1000000"),
        ("selmix", "stepsPerRound", "-1", "from 1 to 1000000"),
        ("selmix", "diagonalSmoothing", "-0.5", "from 0.0 to 1.0"),
        ("optimizer", "learningRate", "0", "greater than 0.0"),
        ("optimizer", "momentum", "1", "at least 0.0 and less than 1.0"),
        ("optimizer", "momentum", "-0.1", "at least 0.0 and less than 1.0"),
        ("optimizer", "weightDecay", "-5e-4", "0.0 or more"),
        ("cluster", "shards", "0", "from 1 to 4096"),
        ("cluster", "shards", "4097", "from 1 to 4096"),
        ("cluster", "shards", "99999999999999999999", "from 1 to 4096"),
        ("cluster", "audit", "1.5", "from 0.0 to 1.0"),
        ("cluster", "audit", "-0.1", "from 0.0 to 1.0"),
        ("cluster", "minWorkers", "0", "from 1 to 4096"),
        ("cluster", "failureTimeout", "50ms", "from 0.1 to 3600.0 seconds"),
        ("cluster", "failureTimeout", "61m", "from 0.1 to 3600.0 seconds"),
        ("cluster", "workerWait", "-1", "from 0.0 to 86400.0 seconds"),
        ("checkpoints", "keep", "0", "from 1 to 1000"),
    ])
    func ranges(section: String, key: String, value: String, allowed: String) {
        let error = error("\(section):\n  \(key): \(value)")
        #expect(error?.code == .invalidInput)
        #expect(error?.message == "`\(section).\(key)` is \(value) (job.yaml line 8)")
        #expect(error?.hint == "it must be \(allowed)")
    }

    @Test func seed() {
        let error = error("seed: -1")
        #expect(error?.message == "`seed` is -1 (job.yaml line 7)")
        #expect(error?.hint == "it must be from 0 to 18446744073709551615")
    }

    @Test(arguments: [("relative", "0"), ("absolute", "-0.1")])
    func temperature(kind: String, value: String) {
        let error = error("selmix: {temperature: {\(kind): \(value)}}")
        #expect(error?.message == "`selmix.temperature.\(kind)` is \(value) (job.yaml line 7)")
        #expect(error?.hint == "it must be greater than 0.0")
    }

    @Test(arguments: ["[0.8, 0.6]", "[-0.1, 1.0]", "[0.5, 1.5]"])
    func mixRatio(range: String) {
        let error = error("selmix: {mixRatio: \(range)}")
        #expect(error?.message == "`selmix.mixRatio` is \(range) (job.yaml line 7)")
        #expect(error?.hint == "it must be [low, high] with 0 <= low <= high <= 1")
    }

    @Test(arguments: [
        ("batch: 60", "batch 60 is not divisible by shards 8 (job.yaml line 7)", "56 or 64"),
        ("batch: 4", "batch 4 is not divisible by shards 8 (job.yaml line 7)", "8 or 16"),
        ("\ncluster: {shards: 24}", "batch 64 is not divisible by shards 24 (job.yaml line 8)", "48 or 72"),
    ])
    func batchIsSharedEvenly(text: String, message: String, sizes: String) {
        let error = error(text)
        #expect(error?.message == message)
        #expect(error?.hint == "the nearest `batch` that is: \(sizes)")
    }

    @Test func stepsFitTheirCounter() {
        let error = error("selmix: {rounds: 100000, stepsPerRound: 100000}")
        #expect(error?.message == "100000 rounds of 100000 steps are 10000000000 steps (job.yaml line 7)")
        #expect(error?.hint == "a run has at most 4294967295 steps")
    }

    @Test func objectives() {
        func error(_ objective: String) -> SelMixError? {
            #expect(throws: SelMixError.self) {
                let text = JobFileTests.minimal.replacing("objective: min-recall", with: "objective: \(objective)")
                return try JobFile.parse(text, path: "job.yaml")
            }
        }
        #expect(error("min-recal")?.message == "unknown objective `min-recal` (job.yaml line 5)")
        #expect(error("min-recal")?.hint == "did you mean `min-recall`?")
        #expect(error("{name: something-else}")?.hint?.hasPrefix("known are mean-recall, min-recall, ") == true)
        let rate = error("\n  name: min-recall\n  rate: -1")
        #expect(rate?.message == "`objective.rate` is -1.0 (job.yaml line 7)")
        #expect(rate?.hint == "it must be 0 or more")
        #expect(error("{rate: 3}")?.message == "`objective.name` is missing (job.yaml line 5)")
        #expect(error("[min-recall]")?.message == "`objective` must be a mapping, not a list (job.yaml line 5)")
    }
}
