import Common
import Testing

@testable import SelMix

/// The running value of an objective against the one of the whole confusion matrix, after any changes.
@Suite struct RunningObjectiveTests {
    @Test(arguments: ObjectiveSettings.knownNames)
    func theRunningValueIsTheValue(name: String) throws {
        let objective = try BiasAscentTests.objective(name, classes: 6)
        let (logits, labels) = BiasAscentTests.example(rows: 80, classes: 6, seed: 11)
        var predictions = BiasAscentTests.predictions(logits, [0, 0, 0, 0, 0, 0])
        var running = RunningObjective(objective.form, classes: 6, labels: labels, predictions: predictions)
        let philox = Philox(seed: 12)
        for step in 0..<300 {
            let block = philox.block(.probe, index: step, slot: 0)
            let (row, new) = (block.low.scaled(to: 80), block.high.scaled(to: 6))
            running.move(label: Int(labels[row]), from: Int(predictions[row]), to: new)
            predictions[row] = Int32(new)
            let counts = BiasAscentTests.counts(labels, predictions, classes: 6)
            #expect(abs(running.score.value - objective.value(ConfusionStatistics(counts))) < 1e-9)
        }
    }

    /// Whatever rows a class takes, the score stays within the bound, and asking for the bound changes nothing.
    @Test(arguments: ObjectiveSettings.knownNames)
    func theBoundHolds(name: String) throws {
        let objective = try BiasAscentTests.objective(name, classes: 6)
        let (logits, labels) = BiasAscentTests.example(rows: 80, classes: 6, seed: 13)
        let predictions = BiasAscentTests.predictions(logits, [0, 0, 0, 0, 0, 0])
        for k in 0..<6 {
            var running = RunningObjective(objective.form, classes: 6, labels: labels, predictions: predictions)
            let before = running.score
            guard let bound = running.bound(raising: k) else { continue }
            #expect(running.score == before)
            for row in labels.indices where Int(predictions[row]) != k {
                running.move(label: Int(labels[row]), from: Int(predictions[row]), to: k)
                #expect(!running.score.isBetter(than: bound))
            }
        }
    }

    @Test func theTreeFindsTheSmallestAndHowManyHaveIt() {
        var tree = MinimumTree([3, 1, 2, 1, 5])
        #expect(tree.minimum == 1 && tree.count == 2)
        tree[1] = 4
        #expect(tree.minimum == 1 && tree.count == 1)
        tree[3] = 9
        #expect(tree.minimum == 2 && tree.count == 1)
        tree[0] = 2
        #expect(tree.minimum == 2 && tree.count == 2)
    }
}
