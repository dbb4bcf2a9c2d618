import Common
import Testing

@testable import SelMix

/// Plug-in rules against brute force over every mixture of two threshold rules, for two classes.
@Suite struct PlugInTests {
    /// Rows with the true probability of class 1, which is rare, in twenties: as many of each twenty are of class 1 as the
    /// probability says, so that what is best on these rows is what is best for the probabilities.
    static func example() -> (probabilities: [Float], labels: [Int32]) {
        let philox = Philox(seed: 21)
        var probabilities: [Float] = []
        var labels: [Int32] = []
        for group in 0..<40 {
            let u = philox.block(.probe, index: group, slot: 0).low.unitInterval
            let ones = Int((20 * 0.6 * u * u).rounded())
            for row in 0..<20 {
                probabilities.append(Float(ones) / 20)
                labels.append(row < ones ? 1 : 0)
            }
        }
        return (probabilities, labels)
    }

    static func counts(_ rule: PlugInRule, _ probabilities: [Float], _ labels: [Int32]) -> ConfusionCounts {
        var counts = ConfusionCounts(classes: 2)
        for (p, label) in zip(probabilities, labels) {
            counts.add(true: Int(label), predicted: rule.decision([1 - p, p]))
        }
        return counts
    }

    /// Recalls of all thresholds, and the best value of any mixture of two of them.
    static func best(_ form: ObjectiveForm, _ probabilities: [Float], _ labels: [Int32]) -> Double {
        let thresholds = [-1] + Array(Set(probabilities)).sorted()
        let samples = [Double(labels.count { $0 == 0 }), Double(labels.count { $0 == 1 })]
        let points = thresholds.indices.map {
            index -> (hits: [Double], predicted: [Double]) in
            var (hits, predicted) = ([0.0, 0.0], [0.0, 0.0])
            for (p, label) in zip(probabilities, labels) {
                let decision: Int32 = p > thresholds[index] ? 1 : 0
                predicted[Int(decision)] += 1
                if decision == label { hits[Int(label)] += 1 }
            }
            return (hits, predicted)
        }
        var best = -Double.infinity
        for a in points {
            for b in points {
                for step in 0...10 {
                    let w = Double(step) / 10
                    let mix = { (x: [Double], y: [Double]) in zip(x, y).map { w * $0 + (1 - w) * $1 } }
                    best = max(
                        best,
                        form.value(
                            hits: mix(a.hits, b.hits), samples: samples, predicted: mix(a.predicted, b.predicted)))
                }
            }
        }
        return best
    }

    @Test(arguments: ["mean-recall", "g-mean", "h-mean", "min-recall", "h-mean-coverage", "mean-recall-coverage"])
    func noMixtureOfThresholdsIsMuchBetter(name: String) throws {
        let (probabilities, labels) = Self.example()
        let objective = try ObjectiveSettings(name: name).objective(split: ClassSplit(classes: 2, head: [0]))
        let plugIn = PlugIn(objective, classes: 2)
        #expect((plugIn.method == .minimax) == (name == "min-recall"))
        let rule = plugIn { Self.counts($0, probabilities, labels) }
        #expect(abs(rule.components.reduce(0) { $0 + $1.weight } - 1) < 1e-9)
        let mixed = MixedCounts(
            classes: 2, rule.components.map { ($0.weight, Self.counts($0.rule, probabilities, labels)) })
        let reached = objective.value(ConfusionStatistics(mixed))
        let best = Self.best(objective.form, probabilities, labels)
        #expect(reached > best - 0.02, "\(reached) of \(best)")
    }
}
