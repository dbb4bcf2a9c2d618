import Common
import SelMix
import Testing

@testable import Runtime

/// Presets, losses, mix rules, groups: settings that choose among pieces.
@Suite struct JobVariantTests {
    private func error(_ text: String) -> SelMixError? {
        #expect(throws: SelMixError.self) {
            try JobFile.parse(JobFileTests.minimal + "\n" + text, path: "job.yaml")
        }
    }

    @Test func thePublishedPresetIsOverriddenByTheFile() throws {
        let published = try JobFileTests.parse("preset: published\nselmix: {rounds: 3}")
        #expect(published.selmix.temperature == .absolute(0.1))
        #expect(published.selmix.formula == .reference)
        #expect(published.optimizer.momentum == 0)
        #expect(published.selmix.rounds == 3)
        let mended = try JobFileTests.parse("preset: published\noptimizer: {momentum: 0.5}")
        #expect(mended.optimizer.momentum == 0.5)
        #expect(mended.selmix.formula == .reference)
        #expect(mended.selmix.keep == .last && mended.selmix.samplerFloor)
        let standard = try JobFileTests.parse("")
        #expect(standard.selmix.keep == .best && !standard.selmix.samplerFloor)
    }

    /// The authors drew unlabelled samples by their true classes; only their preset does, and only where the job has them.
    @Test func unlabelledSamplesAreDrawnByTheirClassesWhereThePresetAndTheJobSaySo() throws {
        let given = ["data.unlabeled={features: u.npy, labels: l.npy}"]
        let published = try JobFileTests.parse("preset: published", overrides: given)
        #expect(published.selmix.pseudoLabels == .given)
        #expect(published.data.unlabeled?.labels == "/jobs/l.npy")
        #expect(try JobFileTests.parse("", overrides: given).selmix.pseudoLabels == .predicted)
        let without = try JobFileTests.parse("preset: published", overrides: ["data.unlabeled={features: u.npy}"])
        #expect(without.selmix.pseudoLabels == .predicted)
        #expect(
            error("selmix: {pseudoLabels: given}")?.message.contains("needs the unlabelled samples' classes") == true)
    }

    @Test func lossesAndMixRules() throws {
        let job = try JobFileTests.parse(
            """
            loss: logit-adjusted
            selmix: {labelRatio: same, mixUntil: 0.5, convergence: {}, rounds: 10, stepsPerRound: 10}
            """, overrides: ["loss.tau=2"])
        #expect(job.loss.name == .logitAdjusted && job.loss.tau == 2)
        #expect(job.selmix.mixRule == MixRule(featureRatio: 0.6...1, labelRatio: .same, endStep: 50))
        let range = try JobFileTests.parse("selmix: {labelRatio: [0.2, 0.4], convergence: {rounds: 5}}")
        #expect(range.selmix.mixRule.labelRatio == .uniform(0.2...0.4))
        #expect(range.selmix.convergence == ConvergenceSettings(rounds: 5, tolerance: 0.05))
    }

    @Test func groups() throws {
        let job = try JobFileTests.parse(overrides: [
            "objective.name=worst-group-recall", "objective.groups=[[0, 1], [2]]",
        ])
        #expect(job.objective.groups == [[0, 1], [2]])
        #expect(error("selmix: {floor: 1}")?.message == "`selmix.floor` is 1 (job.yaml line 7)")
        #expect(error("baselines: maybe")?.message.contains("must be true or false") == true)
        #expect(error("loss: focal")?.message.contains("`loss.name` must be") == true)
        #expect(error("selmix: {labelRatio: two}")?.message.contains("one, same or midpoint") == true)
    }

    @Test func labelsThatAreNotThereCannotBeMixed() throws {
        #expect(throws: SelMixError.self) {
            try JobFileTests.parse(
                "selmix: {labelRatio: same}", overrides: ["data.unlabeled={features: u.npy}"])
        }
    }
}
