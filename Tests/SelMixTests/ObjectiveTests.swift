import Common
import Foundation
import SelMix
import Testing

@Suite struct ObjectiveTests {
    static let classes = 7

    /// Unbalanced priors, every entry positive.
    static func counts(seed: UInt64 = 1) -> ConfusionCounts {
        let philox = Philox(seed: seed)
        var counts = ConfusionCounts(classes: classes)
        for k in 0..<classes {
            for l in 0..<classes {
                let extra = k == l ? 40 : 0
                let drawn = philox.block(.probe, index: k, slot: l).low.scaled(to: 10 * (k + 1))
                counts.add(Int64(1 + drawn + extra), true: k, predicted: l)
            }
        }
        return counts
    }

    static var split: ClassSplit {
        get throws { try ClassSplit(trainCounts: [90, 70, 50, 30, 20, 10, 5], tailFraction: 0.3) }
    }

    /// The Lagrangian whose gradient D is, as a function of the unconstrained confusion matrix C~ at fixed priors.
    static func lagrangian(
        _ unconstrained: [Double], priors: [Double], name: String, multipliers: [Double], scale: Double,
        split: ClassSplit
    ) -> Double {
        var recalls: [Double] = []
        var coverages = [Double](repeating: 0, count: classes)
        for k in 0..<classes {
            let row = unconstrained[k * classes..<(k + 1) * classes].map(exp)
            let sum = row.reduce(0, +)
            recalls.append(row[k] / sum)
            for l in 0..<classes { coverages[l] += priors[k] * row[l] / sum }
        }
        let count = Double(classes)
        let base: Double =
            if name.hasPrefix("min") {
                zip(multipliers, recalls).reduce(0) { $0 + $1.0 * $1.1 }
            } else if name.hasPrefix("mean-recall") {
                recalls.reduce(0, +) / count
            } else if name.hasPrefix("h-mean") {
                count / recalls.reduce(0) { $0 + 1 / $1 }
            } else {
                exp(recalls.reduce(0) { $0 + log($1) } / count)
            }
        guard name.hasSuffix("coverage") else { return base }
        return scale * (base + zip(multipliers, coverages).reduce(0) { $0 + $1.0 * $1.1 })
    }

    static func objective(_ name: String, rate: Double? = nil) throws -> any Objective {
        var settings = ObjectiveSettings(name: name)
        settings.rate = rate
        if name.contains("group") { settings.groups = [[0, 3], [1, 2, 6], [4, 5]] }
        return try settings.objective(split: split)
    }

    @Test(arguments: ObjectiveSettings.knownNames)
    func gradientMatchesFiniteDifferences(name: String) throws {
        let counts = Self.counts()
        let statistics = ConfusionStatistics(counts)
        let split = try Self.split
        let objective = try Self.objective(name, rate: 3)
        let multipliers = objective.multipliers(after: [], statistics)
        let terms = objective.gradientTerms(statistics, multipliers: multipliers)
        let gradient = terms.gradient(statistics).dense
        var unconstrained = zip(statistics.confusion.dense.values, 0...).map {
            log($0.0 / statistics.priors[$0.1 / Self.classes])
        }
        func value() -> Double {
            // The group objectives are not the paper's; they answer for their own smooth function.
            if name.contains("group") {
                return objective.lagrangian(soft(unconstrained, statistics.priors), multipliers: multipliers)
            }
            return Self.lagrangian(
                unconstrained, priors: statistics.priors, name: name, multipliers: multipliers, scale: terms.scale,
                split: split)
        }
        let smooth = objective.lagrangian(soft(unconstrained, statistics.priors), multipliers: multipliers)
        #expect(abs(smooth - value()) < 1e-12)
        for index in unconstrained.indices {
            let (kept, h) = (unconstrained[index], 1e-5)
            unconstrained[index] = kept + h
            let above = value()
            unconstrained[index] = kept - h
            let below = value()
            unconstrained[index] = kept
            #expect(abs((above - below) / (2 * h) - gradient.values[index]) < 1e-8, "\(name), entry \(index)")
        }
    }

    /// The statistics of C_kl = pi_k softmax(C~_k)_l.
    private func soft(_ unconstrained: [Double], _ priors: [Double]) -> ConfusionStatistics {
        var counts: [Double] = []
        for k in 0..<Self.classes {
            let row = unconstrained[k * Self.classes..<(k + 1) * Self.classes].map { exp($0) }
            counts += row.map { priors[k] * $0 / row.reduce(0, +) }
        }
        return ConfusionStatistics(softCounts: counts, classes: Self.classes)
    }

    @Test func everyRowOfTheGradientSumsToZero() throws {
        let statistics = ConfusionStatistics(Self.counts())
        for name in ObjectiveSettings.knownNames {
            let objective = try Self.objective(name)
            let multipliers = objective.multipliers(after: [], statistics)
            let gradient = objective.gradientTerms(statistics, multipliers: multipliers).gradient(statistics).dense
            for k in 0..<Self.classes { #expect(abs(gradient[row: k].reduce(0, +)) < 1e-12, "\(name)") }
        }
    }

    @Test func aClassWithoutAHitStillPullsTheGradient() throws {
        var counts = ConfusionCounts(classes: 3)
        for (label, predicted) in [(0, 0), (1, 1), (2, 0), (2, 1)] { counts.add(10, true: label, predicted: predicted) }
        let split = try ClassSplit(classes: 3, head: [0])
        #expect(Metrics(counts, split: split).hMean == 0)
        let statistics = ConfusionStatistics(smoothing: counts, by: 0.5)
        let gradient = HMean().gradientTerms(statistics, multipliers: []).gradient(statistics)
        #expect(gradient[2, 2] > 0)
        #expect(gradient.values.allSatisfy { $0.isFinite })
    }

    @Test func metricsOfAKnownMatrix() throws {
        let counts = try ConfusionCounts(classes: 2, counts: [8, 2, 5, 5])
        let metrics = Metrics(counts, split: try ClassSplit(classes: 2, head: [0]))
        #expect(metrics.accuracy == 0.65)
        #expect(metrics.minRecall == 0.5)
        #expect(abs(metrics.gMean - (0.4).squareRoot()) < 1e-15)
        #expect(abs(metrics.hMean - 2 / (1 / 0.8 + 1 / 0.5)) < 1e-15)
        #expect((metrics.headRecall, metrics.tailRecall) == (0.8, 0.5))
        #expect(metrics.minCoverage == 0.35)
    }

    @Test func theTailIsTheRarestClasses() throws {
        let split = try ClassSplit(trainCounts: [5, 100, 5, 50, 70, 60, 80, 90, 40, 30], tailFraction: 0.1)
        #expect(split.tail == [2])
        #expect(throws: SelMixError.self) { try ClassSplit(trainCounts: [5, 4], tailFraction: 0.9) }
        #expect(throws: SelMixError.self) { try ClassSplit(classes: 3, head: [3]) }
    }

    @Test func unknownNamesAndRangesAreRefused() throws {
        func refused(_ name: String, _ change: (inout ObjectiveSettings) -> Void = { _ in }) {
            var settings = ObjectiveSettings(name: name)
            change(&settings)
            #expect(throws: SelMixError.self) { try settings.objective(split: Self.split) }
        }
        refused("min-recal")
        refused("min-recall") { $0.decay = 2 }
        refused("min-recall") { $0.rate = .nan }
        refused("h-mean-coverage") { $0.tau = 0 }
        refused("worst-group-recall")
        refused("group-recall-gap") { $0.groups = [[0, 1, 2, 3, 4, 5]] }
    }

    @Test(arguments: [
        [[0, 1], [1, 2, 3, 4, 5, 6]], [[0, 1], [2, 3]], [[0, 1, 2, 3, 4, 5, 6]], [[], [0, 1, 2, 3, 4, 5, 6]],
        [[0, 1, 2, 3, 4, 5, 6], [7]], [[0, 0, 1, 2], [3, 4, 5, 6]],
    ])
    func groupsMustPartitionTheClasses(members: [[Int]]) {
        #expect(throws: SelMixError.self) { try ClassGroups(members, classes: Self.classes) }
    }
}
