import Foundation
import SelMix
import Testing
import Training

/// Soft confusion matrices against their definition in float64.
@Suite struct SoftConfusionTests {
    /// All rows, and fewer than the 40 of class 0 and the 16 to 20 of the others; one limit cuts only class 0.
    @Test(arguments: [1000, 25, 7])
    func matchesItsDefinition(limit: Int) throws {
        let data = try HeadGradientTests.data()
        let weights = HeadGradientTests.weights()
        let classes = HeadGradientTests.classes
        let rows = SoftConfusion.Rows(data, limitPerClass: limit)
        let taken = takenRows(data, limit: limit)
        #expect(rows.labels == taken.map { data.labels[$0] })

        var expected = [Double](repeating: 0, count: classes * classes)
        var largest = 0.0
        for row in taken {
            let x = features(data, row)
            let logits = (0..<classes).map { k in
                x.indices.reduce(Double(weights["bias"][k])) {
                    $0 + Double(weights["weight"][k * x.count + $1]) * x[$1]
                }
            }
            let label = Int(data.labels[row])
            let share = Double(data.classCounts[label]) / Double(min(limit, data.classCounts[label]))
            let sum = logits.reduce(0) { $0 + exp($1) }
            for (l, logit) in logits.enumerated() { expected[label * classes + l] += share * exp(logit) / sum }
            largest = max(largest, x.reduce(0) { $0 + $1 * $1 }.squareRoot())
        }
        let counts = try SoftConfusion(rows).counts(weights)
        #expect(zip(counts, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(abs(rows.largestNorm - largest) < 1e-12)
        // Priors are those of the whole split, however few rows are looked at.
        let priors = ConfusionStatistics(softCounts: counts, classes: classes).priors
        for (k, total) in data.classCounts.enumerated() {
            #expect(abs(priors[k] - Double(total) / Double(data.count)) < 1e-7)
        }
    }

    @Test func aSecondHeadDoesNotSeeTheFirst() throws {
        let weights = HeadGradientTests.weights()
        let confusion = try SoftConfusion(SoftConfusion.Rows(HeadGradientTests.data(), limitPerClass: 9))
        let first = try confusion.counts(weights)
        let other = weights.copy()
        other["bias"][0] += 1
        #expect(try confusion.counts(other) != first)
        #expect(try confusion.counts(weights) == first)
    }

    /// Evenly spread over the samples of each class, in the order of the split: of n samples the last of every n / limit.
    private func takenRows(_ data: LabeledFeatures, limit: Int) -> [Int] {
        (0..<data.classes).flatMap { label -> [Int] in
            let own = data.labels.indices.filter { data.labels[$0] == label }
            let taken = min(limit, own.count)
            return (1...taken).map { own[($0 * own.count + taken - 1) / taken - 1] }
        }.sorted()
    }

    private func features(_ data: LabeledFeatures, _ row: Int) -> [Double] {
        var values = [Float](repeating: 0, count: data.dimension)
        data.features.floats(row: row, into: &values)
        return values.map(Double.init)
    }
}
