import Foundation

/// An objective's value while predictions change one at a time, in O(log K) a change.
///
/// The value alone is a poor guide where it does not move: min-recall stays what it is while one of two worst classes gets
/// better, and every mean that multiplies is 0 as long as one recall is. So what is compared is a ``Score``: the value,
/// then how far the part that decides it is from moving, then a smooth mean of all recalls.
///
/// Sums are kept by adding and subtracting, so they drift by some 1e-16 a change; ``refresh()`` adds them up anew.
struct RunningObjective: Sendable {
    /// Compared entry by entry, with differences below rounding taken as none.
    struct Score: Sendable, Equatable {
        var value: Double
        /// Minus the number of classes that hold the smallest recall, or minus the coverage that is missing.
        var nearness: Double
        /// The mean over classes of log((hits + 1/2) / (n + 1)).
        var smooth: Double

        func isBetter(than other: Score) -> Bool {
            let tolerance = 1e-11
            if abs(value - other.value) > tolerance { return value > other.value }
            if abs(nearness - other.nearness) > tolerance { return nearness > other.nearness }
            return smooth > other.smooth + tolerance
        }

        static let worst = Score(value: -.infinity, nearness: -.infinity, smooth: -.infinity)
    }

    let form: ObjectiveForm
    private let classes: Int
    private let samples: [Int]
    private let total: Double
    /// Classes with samples.
    private let known: Double
    private var hits: [Int]
    private var predicted: [Int]
    private var recallSum = 0.0
    private var logSum = 0.0
    private var inverseSum = 0.0
    private var smoothSum = 0.0
    private var zeros = 0
    private var smallestRecall: MinimumTree?
    private var smallestCoverage: MinimumTree?
    /// The coverage that each class lacks, added up.
    private var shortfall = 0.0
    /// The coverage that is asked of a class, or of a group's mean.
    private let required: Double
    private let recallGroups: GroupSums?
    private var recallGroupSums: [Double] = []
    private let coverageGroups: GroupSums?
    private var coverageGroupSums: [Double] = []

    /// Which group each class is in, and how many members of it count.
    private struct GroupSums: Sendable {
        var owner: [Int]
        var members: [Double]

        init(_ groups: ClassGroups, classes: Int, counting: (Int) -> Bool) {
            owner = [Int](repeating: 0, count: classes)
            members = groups.members.map { Double($0.count(where: counting)) }
            for (index, group) in groups.members.enumerated() {
                for k in group { owner[k] = index }
            }
        }

        func sums(_ values: (Int) -> Double) -> [Double] {
            var sums = [Double](repeating: 0, count: members.count)
            for (k, group) in owner.enumerated() { sums[group] += values(k) }
            return sums
        }

        func means(_ sums: [Double]) -> [Double] { zip(sums, members).map { $1 > 0 ? $0 / $1 : 0 } }
    }

    /// - Parameters:
    ///   - labels: true classes of the rows that count.
    ///   - predictions: what they are predicted as.
    init(_ form: ObjectiveForm, classes: Int, labels: [Int32], predictions: [Int32]) {
        self.form = form
        self.classes = classes
        var (samples, hits, predicted) = (
            [Int](repeating: 0, count: classes), [Int](repeating: 0, count: classes),
            [Int](repeating: 0, count: classes)
        )
        for (label, prediction) in zip(labels, predictions) {
            samples[Int(label)] += 1
            predicted[Int(prediction)] += 1
            if label == prediction { hits[Int(label)] += 1 }
        }
        (self.samples, self.hits, self.predicted) = (samples, hits, predicted)
        total = Double(max(1, labels.count))
        known = Double(max(1, samples.count { $0 > 0 }))
        recallGroups =
            switch form.recalls {
            case .smallestGroupMean(let groups), .meanLessGap(let groups, _):
                GroupSums(groups, classes: classes) { samples[$0] > 0 }
            default: nil
            }
        required = (form.coverage?.alpha ?? 0) / Double(classes)
        coverageGroups = form.coverage?.groups.map { GroupSums($0, classes: classes) { _ in true } }
        refresh()
    }

    private func lacking(_ count: Int) -> Double { max(0, required - Double(count) / total) }

    private func recall(_ k: Int) -> Double { Double(hits[k]) / Double(samples[k]) }

    /// Adds everything up anew.
    mutating func refresh() {
        (recallSum, logSum, inverseSum, smoothSum, zeros) = (0, 0, 0, 0, 0)
        for k in 0..<classes where samples[k] > 0 { account(k, 1) }
        if case .minimum = form.recalls {
            smallestRecall = MinimumTree((0..<classes).map { samples[$0] > 0 ? recall($0) : .infinity })
        }
        if let recallGroups { recallGroupSums = recallGroups.sums { samples[$0] > 0 ? recall($0) : 0 } }
        if let coverage = form.coverage {
            if coverage.groups == nil {
                smallestCoverage = MinimumTree(predicted.map { Double($0) / total })
                shortfall = predicted.reduce(0) { $0 + lacking($1) }
            } else if let coverageGroups {
                coverageGroupSums = coverageGroups.sums { Double(predicted[$0]) / total }
            }
        }
    }

    /// Adds (`sign` 1) or takes away (-1) what a class contributes to the sums.
    private mutating func account(_ k: Int, _ sign: Double) {
        let recall = recall(k)
        recallSum += sign * recall
        smoothSum += sign * log((Double(hits[k]) + 0.5) / (Double(samples[k]) + 1))
        if hits[k] == 0 {
            zeros += Int(sign)
        } else {
            switch form.recalls {
            case .geometricMean: logSum += sign * log(recall)
            case .harmonicMean: inverseSum += sign / recall
            default: break
            }
        }
    }

    private mutating func setHits(_ k: Int, _ count: Int) {
        guard samples[k] > 0 else { return }
        account(k, -1)
        if let recallGroups { recallGroupSums[recallGroups.owner[k]] -= recall(k) }
        hits[k] = count
        account(k, 1)
        if let recallGroups { recallGroupSums[recallGroups.owner[k]] += recall(k) }
        let recall = recall(k)
        smallestRecall?[k] = recall
    }

    private mutating func setPredicted(_ k: Int, _ count: Int) {
        if let coverageGroups {
            coverageGroupSums[coverageGroups.owner[k]] += Double(count - predicted[k]) / total
        }
        if smallestCoverage != nil {
            shortfall += lacking(count) - lacking(predicted[k])
            smallestCoverage![k] = Double(count) / total
        }
        predicted[k] = count
    }

    /// A row of class `label` is predicted as `new` and no longer as `old`.
    mutating func move(label: Int, from old: Int, to new: Int) {
        if form.coverage != nil {
            setPredicted(old, predicted[old] - 1)
            setPredicted(new, predicted[new] + 1)
        }
        if label == old { setHits(label, hits[label] - 1) }
        if label == new { setHits(label, hits[label] + 1) }
    }

    var score: Score {
        var nearness = 0.0
        var value: Double
        switch form.recalls {
        case .mean: value = recallSum / known
        case .geometricMean: value = zeros > 0 ? 0 : exp(logSum / known)
        case .harmonicMean: value = zeros > 0 ? 0 : known / inverseSum
        case .minimum:
            value = smallestRecall!.minimum
            nearness = -Double(smallestRecall!.count)
        case .smallestGroupMean: value = recallGroups!.means(recallGroupSums).min() ?? 0
        case .meanLessGap(_, let strictness):
            let means = recallGroups!.means(recallGroupSums)
            value = recallSum / known - strictness * ((means.max() ?? 0) - (means.min() ?? 0))
        }
        if form.coverage != nil {
            let least = smallestCoverage?.minimum ?? coverageGroups!.means(coverageGroupSums).min() ?? 0
            if required > 0, least < required {
                value *= least / required
                nearness = smallestCoverage == nil ? 0 : -shortfall
            }
        }
        return Score(value: value, nearness: nearness, smooth: smoothSum / known)
    }

    /// No score that can be reached by predicting more and more rows as `k` is better than this one; nil where no such
    /// bound is known.
    ///
    /// As class `k` takes rows, its recall and coverage rise and all others fall, so the best that can come of it is what
    /// would be if every sample of `k` were hit at no further cost.
    mutating func bound(raising k: Int) -> Score? {
        guard form.risesWithRecalls else { return nil }
        // All that changes is put back, sums to their very bits.
        let sums = (recallSum, logSum, inverseSum, smoothSum, zeros, shortfall)
        let (oldHits, oldGroups, oldCoverage) = (hits[k], (recallGroupSums, coverageGroupSums), smallestCoverage?[k])
        defer {
            setHits(k, oldHits)
            if let oldCoverage { smallestCoverage![k] = oldCoverage }
            (recallSum, logSum, inverseSum, smoothSum, zeros, shortfall) = sums
            (recallGroupSums, coverageGroupSums) = oldGroups
        }
        setHits(k, samples[k])
        if oldCoverage != nil {
            shortfall -= lacking(predicted[k])
            smallestCoverage![k] = .infinity
        }
        if let coverageGroups { coverageGroupSums[coverageGroups.owner[k]] = .infinity }
        return score
    }
}
