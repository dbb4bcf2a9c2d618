import Common
import Testing

@testable import SelMix

/// Intervals: Wilson's against the book, the bootstrap against what is known of a difference of proportions.
@Suite struct LuckTests {
    @Test func wilsonsIntervalIsTheBooks() {
        let interval = WilsonInterval(hits: 8, samples: 10)
        #expect(abs(interval.low - 0.4902) < 1e-4 && abs(interval.high - 0.9433) < 1e-4)
        #expect(WilsonInterval(hits: 0, samples: 10).low == 0)
        #expect(abs(WilsonInterval(hits: 0, samples: 10).high - 0.2775) < 1e-4)
        #expect(WilsonInterval(hits: 10, samples: 10).high == 1)
        #expect(WilsonInterval(hits: 0, samples: 0) == WilsonInterval(hits: 5, samples: 0))
    }

    /// 100 rows of each of two classes; `a` hits 80 of each, `b` 60, and rows are hit apart from each other.
    @Test func theIntervalOfAMeanRecallIsAsWideAsItsDeviation() throws {
        var (labels, ofA, ofB): ([Int32], [Int32], [Int32]) = ([], [], [])
        for row in 0..<200 {
            let label = Int32(row % 2)
            let miss = 1 - label
            labels.append(label)
            ofA.append(row / 2 % 10 < 8 ? label : miss)
            ofB.append(row / 20 < 6 ? label : miss)
        }
        let (a, b) = (RowPredictions(ofA), RowPredictions(ofB))
        let bootstrap = PairedBootstrap(labels: labels, classes: 2, seed: 3)
        let found = try bootstrap.interval(a, over: b, of: MeanRecall().form)
        #expect(abs(found.difference - 0.2) < 1e-12)
        #expect(found.low < 0.2 && found.high > 0.2)
        // A row's difference is 1, 0 or -1, with variance about 0.36 at most: the mean of 200 has a deviation near 0.042.
        let width = found.high - found.low
        #expect(width > 0.12 && width < 0.21)
        #expect(found.isBeyondChance)
        #expect(try bootstrap.interval(a, over: b, of: MeanRecall().form) == found)
    }

    @Test func aClassifierIsNotAheadOfItself() throws {
        let labels = (0..<60).map { Int32($0 % 3) }
        let a = RowPredictions(labels.map { $0 == 2 ? 0 : $0 })
        let found = try PairedBootstrap(labels: labels, classes: 3, seed: 1).interval(a, over: a, of: MinRecall().form)
        #expect(found.difference == 0 && found.low == 0 && found.high == 0 && !found.isBeyondChance)
    }

    @Test(arguments: ObjectiveSettings.knownNames)
    func theValueOfSumsIsTheValue(name: String) throws {
        let objective = try BiasAscentTests.objective(name, classes: 6)
        let (logits, labels) = BiasAscentTests.example(rows: 90, classes: 6, seed: 4)
        let predictions = BiasAscentTests.predictions(logits, [0, 0, 0, 0, 0, 0])
        var samples = [Double](repeating: 0, count: 6)
        var (hits, predicted) = (samples, samples)
        for (label, decision) in zip(labels, predictions) {
            samples[Int(label)] += 1
            predicted[Int(decision)] += 1
            if label == decision { hits[Int(label)] += 1 }
        }
        let counts = BiasAscentTests.counts(labels, predictions, classes: 6)
        let value = objective.value(ConfusionStatistics(counts))
        #expect(abs(objective.form.value(hits: hits, samples: samples, predicted: predicted) - value) < 1e-12)
        #expect(abs(objective.value(ConfusionStatistics(MixedCounts(counts))) - value) < 1e-12)
    }

    @Test func whoLostIsSaid() {
        let changes = ClassChanges(before: [0.9, 0.5, 0.8, nil, 0.4], after: [0.95, 0.5, 0.606, 0.5, 0.3])
        #expect(changes.lost == 2 && changes.gained == 1 && changes.mostLost == 2)
        #expect(changes.description == "2 classes lost, class 2 most: -19.4")
        #expect(ClassChanges(before: [0.1], after: [0.2]).description == "no class lost")
        #expect(ClassChanges(before: [0.2], after: [0.1]).description == "1 class lost, class 0 most: -10.0")
    }

    @Test func theWorstOfManyAreAMean() throws {
        var counts = ConfusionCounts(classes: 150)
        for k in 0..<150 {
            counts.add(150, true: k, predicted: k)
            if k > 0 { counts.add(Int64(k), true: k, predicted: 0) }
        }
        let metrics = Metrics(counts, split: try ClassSplit(classes: 150, head: [0]))
        let recalls = (0..<150).map { 150 / Double(150 + $0) }.sorted()
        #expect(abs(try #require(metrics.worstPercentRecall) - recalls.prefix(2).reduce(0, +) / 2) < 1e-12)
        #expect(abs(try #require(metrics.worstTenRecall) - recalls.prefix(10).reduce(0, +) / 10) < 1e-12)
        let interval = try #require(metrics.perClassInterval?[149])
        #expect(interval.low < recalls[0] && interval.high > recalls[0])
    }

    /// Two classifiers, each asked about the rows that it has not seen; one of them decides by lot.
    @Test func pooledPredictionsAreEachFoldsOwn() {
        let a = RowPredictions([0, 0, 1, 1])
        let b = RowPredictions([
            .init(weight: 0.25, classes: [1, 1, 1, 1]), .init(weight: 0.75, classes: [0, 0, 0, 0]),
        ])
        let pooled = RowPredictions(pooling: [(rows: [0, 2], said: a), (rows: [1, 3], said: b)], rows: 4)
        let counts = pooled.counts(labels: [0, 0, 1, 1], classes: 2)
        let expected = ConfusionStatistics(counts)
        #expect(counts.rowTotals == [2, 2])
        // Row 0 and 2 are right; row 1 with .75, row 3 with .25.
        #expect(abs(expected.recalls[0]! - 0.875) < 1e-12 && abs(expected.recalls[1]! - 0.625) < 1e-12)
        #expect(RowPredictions(pooling: [(rows: [0, 1], said: a), (rows: [2, 3], said: a)], rows: 4) == a)
    }
}
