import Common
import Testing

@testable import SelMix

/// Bias ascent against brute force: every distinct interval of every class's bias, each judged from whole confusion counts.
@Suite struct BiasAscentTests {
    /// All objectives, over five classes in two groups.
    static let objectives: [String] = ObjectiveSettings.knownNames

    static func objective(_ name: String, classes: Int) throws -> any Objective {
        var settings = ObjectiveSettings(name: name)
        settings.groups = [Array(0..<classes / 2), Array(classes / 2..<classes)]
        return try settings.objective(split: ClassSplit(classes: classes, head: Array(0..<classes - 2)))
    }

    /// Logits that favour low classes, as a head of long-tailed data does.
    static func example(rows: Int, classes: Int, seed: UInt64) -> (logits: Matrix<Float>, labels: [Int32]) {
        let philox = Philox(seed: seed)
        func number(_ row: Int, _ k: Int) -> Double { philox.block(.probe, index: row, slot: k).low.unitInterval }
        let labels = (0..<rows).map { Int32(number($0, classes) * Double(classes)) }
        var logits = Matrix<Float>(rows: rows, columns: classes, repeating: 0)
        for row in 0..<rows {
            for k in 0..<classes {
                logits[row, k] = Float(4 * number(row, k) + (k == Int(labels[row]) ? 1.5 : 0) - 0.4 * Double(k))
            }
        }
        return (logits, labels)
    }

    static func predictions(_ logits: Matrix<Float>, _ bias: [Double]) -> [Int32] {
        (0..<logits.rows).map { row in
            var best = 0
            for k in 1..<logits.columns
            where Double(logits[row, k]) + bias[k] > Double(logits[row, best]) + bias[best] { best = k }
            return Int32(best)
        }
    }

    static func counts(_ labels: [Int32], _ predictions: [Int32], classes: Int) -> ConfusionCounts {
        var counts = ConfusionCounts(classes: classes)
        for (label, predicted) in zip(labels, predictions) { counts.add(true: Int(label), predicted: Int(predicted)) }
        return counts
    }

    /// The best value that any single change of one class's bias reaches.
    static func bestOfAnyChange(
        _ objective: any Objective, _ logits: Matrix<Float>, _ labels: [Int32], _ bias: [Double]
    ) -> Double {
        var best = -Double.infinity
        for k in bias.indices {
            let limits = (0..<logits.rows).map { row in
                bias.indices.filter { $0 != k }.map { Double(logits[row, $0]) + bias[$0] }.max()!
                    - Double(logits[row, k])
            }.sorted()
            for (low, high) in zip([limits[0] - 2] + limits, limits + [limits.last! + 2]) {
                var changed = bias
                changed[k] = (low + high) / 2
                let counts = counts(labels, predictions(logits, changed), classes: bias.count)
                best = max(best, objective.value(ConfusionStatistics(counts)))
            }
        }
        return best
    }

    @Test(arguments: objectives, [1, 2] as [UInt64])
    func noSingleBiasCanDoBetter(name: String, seed: UInt64) throws {
        let objective = try Self.objective(name, classes: 5)
        let (logits, labels) = Self.example(rows: 60, classes: 5, seed: seed)
        let result = try BiasAscent(objective.form, labels: labels)(logits, from: [0, 0, 0, 0, 0])
        let counts = Self.counts(labels, Self.predictions(logits, result.bias), classes: 5)
        let value = objective.value(ConfusionStatistics(counts))
        #expect(abs(value - result.value) < 1e-9)
        #expect(Self.bestOfAnyChange(objective, logits, labels, result.bias) <= value + 1e-9)
        let before = objective.value(
            ConfusionStatistics(Self.counts(labels, Self.predictions(logits, [0, 0, 0, 0, 0]), classes: 5)))
        #expect(value >= before)
    }

    /// Twelve classes are more than a row's list holds, and so few rows are read again when their entries are gone.
    @Test(arguments: objectives)
    func moreClassesThanARowRemembers(name: String) throws {
        let objective = try Self.objective(name, classes: 12)
        let (logits, labels) = Self.example(rows: 150, classes: 12, seed: 9)
        let result = try BiasAscent(objective.form, labels: labels)(logits, from: [Double](repeating: 0, count: 12))
        let counts = Self.counts(labels, Self.predictions(logits, result.bias), classes: 12)
        let value = objective.value(ConfusionStatistics(counts))
        #expect(abs(value - result.value) < 1e-9)
        #expect(Self.bestOfAnyChange(objective, logits, labels, result.bias) <= value + 1e-9)
    }

    @Test func onlyTheGivenRowsCount() throws {
        let objective = HMean()
        let (logits, labels) = Self.example(rows: 60, classes: 5, seed: 7)
        let some = Array(stride(from: 0, to: 60, by: 2))
        let apart = Matrix(rows: 30, columns: 5, values: some.flatMap { Array(logits[row: $0]) })
        let a = try BiasAscent(objective.form, labels: labels, rows: some)(logits, from: [0, 0, 0, 0, 0])
        let b = try BiasAscent(objective.form, labels: some.map { labels[$0] })(apart, from: [0, 0, 0, 0, 0])
        #expect(a.bias == b.bias)
    }

    /// Two classes without a hit: the worst recall stays 0 while the first of them gets better.
    @Test func aMinimumThatTwoClassesHoldIsLeft() throws {
        var logits = Matrix<Float>(rows: 30, columns: 3, repeating: 0)
        let labels = (0..<30).map { Int32($0 / 10) }
        for row in 0..<30 {
            logits[row, 0] = 3
            if labels[row] > 0 { logits[row, Int(labels[row])] = 1 + 0.1 * Float(row % 10) }
        }
        let result = try BiasAscent(MinRecall().form, labels: labels)(logits, from: [0, 0, 0])
        #expect(result.value == 1)
    }
}
