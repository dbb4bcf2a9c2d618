import Foundation
import Testing

@testable import Runtime

/// What identifies a run.
@Suite struct JobConfigurationTests {
    @Test func keysAreFlatSortedAndCanonical() throws {
        let keys = try JobFileTests.parse("seed: 18446744073709551615").configurationKeys
        #expect(
            keys.map { "\($0.key)=\($0.value)" } == [
                "batch=64", "cluster.precision=float32", "cluster.shards=8", "loss.name=cross-entropy",
                "loss.smoothing=0.98", "loss.tau=1", "objective.name=min-recall", "optimizer.learningRate=auto",
                "optimizer.momentum=0.9", "optimizer.schedule=cosine", "optimizer.weightDecay=0.0005",
                "seed=18446744073709551615", "selmix.diagonalSmoothing=0.5", "selmix.floor=1e-06",
                "selmix.folds=4", "selmix.formula=paper", "selmix.keep=best", "selmix.labelRatio=one",
                "selmix.mixRatio=[0.6, 1]", "selmix.mixUntil=1", "selmix.policy=selmix",
                "selmix.pseudoLabels=predicted", "selmix.rounds=60", "selmix.samplerFloor=false",
                "selmix.start=adjusted", "selmix.stepsPerRound=100",
                "selmix.temperature.relative=4",
            ])
    }

    @Test func theJSONIsThatOfTheKeys() throws {
        // A job file cannot name such an instruction set, but JSON escapes whatever there is.
        var job = try JobFileTests.parse()
        job.cluster.instructionSet = "a\"b\\c\n"
        #expect(job.configurationJSON.hasPrefix("{\"batch\":\"64\",\"cluster.instructionSet\":\"a\\\"b\\\\c\\u000a\","))
        let read = try JSONDecoder().decode([String: String].self, from: Data(job.configurationJSON.utf8))
        #expect(read == Dictionary(uniqueKeysWithValues: job.configurationKeys.map { ($0.key, $0.value) }))
    }

    @Test func whatDoesNotDecideTheResultMayDiffer() throws {
        let other = try JobFileTests.parse(
            """
            name: other
            cluster:
              {audit: 0.5, failureTimeout: 9s, minWorkers: 3, workerWait: 1, orphanTimeout: 1, slowWorkers: refuse}
            checkpoints: {keep: 9}
            """, overrides: ["output=other"])
        let job = try JobFileTests.parse()
        #expect(job != other)
        #expect(job.differences(from: other).isEmpty)
        #expect(job.configurationJSON == other.configurationJSON)
    }

    @Test func differencesNameTheKeys() throws {
        let here = try JobFileTests.parse("selmix: {rounds: 60}", overrides: ["objective.rate=20"])
        let there = try JobFileTests.parse("selmix: {rounds: 40, temperature: {absolute: 0.1}}")
        #expect(
            here.differences(from: there) == [
                "objective.rate: 20 here, not set there", "selmix.rounds: 60 here, 40 there",
                "selmix.temperature.absolute: not set here, 0.1 there",
                "selmix.temperature.relative: 4 here, not set there",
            ])
        #expect(there.differences(from: here).contains("selmix.rounds: 40 here, 60 there"))
        #expect(here.configurationJSON != there.configurationJSON)
    }
}
