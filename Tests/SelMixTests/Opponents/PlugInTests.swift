import Common
import Testing

@testable import SelMix

/// Plug-in rules against brute force over every mixture of two threshold rules, for two classes.
@Suite struct PlugInTests {
    /// Rows with the true probability of class 1, and labels drawn from it, 1 being rare.
    static func example(rows: Int) -> (probabilities: [Float], labels: [Int32]) {
        let philox = Philox(seed: 21)
        var probabilities: [Float] = []
        var labels: [Int32] = []
        for row in 0..<rows {
            let block = philox.block(.probe, index: row, slot: 0)
            let p = block.low.unitInterval * block.low.unitInterval * 0.6
            probabilities.append(Float(p))
            labels.append(block.high.unitInterval < p ? 1 : 0)
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
        let thresholds = [-1] + probabilities.sorted()
        let samples = [Double(labels.count { $0 == 0 }), Double(labels.count { $0 == 1 })]
        let points = stride(from: 0, to: thresholds.count, by: 5).map {
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
        let (probabilities, labels) = Self.example(rows: 300)
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

    /// Labels drawn from a known softmax: what is fitted is what they were drawn from.
    @Test func scalingFindsTheTemperatureAndTheOffsets() throws {
        let philox = Philox(seed: 5)
        let truth = VectorScaling(inverseTemperature: 0.5, offsets: [0.4, -0.1, -0.3])
        var rows: [(label: Int, logits: [Float])] = []
        for row in 0..<20000 {
            let (a, b) = (philox.block(.probe, index: row, slot: 0), philox.block(.probe, index: row, slot: 1))
            let logits = [a.low, a.high, b.low].map { Float(8 * $0.unitInterval - 4) }
            var p: [Float] = [0, 0, 0]
            truth.probabilities(logits, into: &p)
            let u = Float(b.high.unitInterval)
            rows.append((u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2, logits))
        }
        let found = try VectorScaling.fit(offsets: [0, 0, 0], rows: rows.count) { body in
            for (label, logits) in rows { body(label, logits) }
        }
        #expect(abs(found.inverseTemperature - 0.5) < 0.03)
        // Offsets count up to a constant.
        #expect(abs((found.offsets[0] - found.offsets[2]) - 0.7) < 0.08)
        #expect(abs((found.offsets[1] - found.offsets[2]) - 0.2) < 0.08)
    }

    @Test func theMinimiserFindsTheBottomOfABentValley() {
        var x: [Float] = [-1.2, 1]
        let end = LBFGS(maximalIterations: 200, tolerance: 1e-7).minimize(&x) { x, gradient in
            let (a, b) = (Double(x[0]), Double(x[1]))
            gradient[0] = Float(-2 * (1 - a) - 400 * a * (b - a * a))
            gradient[1] = Float(200 * (b - a * a))
            return (1 - a) * (1 - a) + 100 * (b - a * a) * (b - a * a)
        }
        #expect(end.value < 1e-6)
        #expect(abs(x[0] - 1) < 0.01 && abs(x[1] - 1) < 0.01)
    }
}
