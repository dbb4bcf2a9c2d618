import Common
import Foundation
import Synchronization

/// How far the difference between two classifiers on the same rows may be luck: the rows are drawn again, with replacement,
/// and the difference is taken again, many times (Efron's percentile interval).
///
/// Draws are stratified by class, as recalls are about classes whose numbers are given, and by counter, so that whoever
/// asks gets the same interval. Both classifiers are judged on the same draws: what is easy or hard about them cancels.
public struct PairedBootstrap: Sendable {
    public struct Interval: Sendable, Codable, Equatable {
        /// On the rows as they are.
        public var difference: Double
        /// 2.5 and 97.5 of 100 draws are below.
        public var low: Double
        public var high: Double

        /// Whether chance alone hardly explains the difference.
        public var isBeyondChance: Bool { low > 0 || high < 0 }

        /// Such as "+3.1 (1.0 to 5.2)" in hundredths, and whether that is within chance.
        public var description: String {
            let (d, l, h) = (100 * difference, 100 * low, 100 * high)
            return String(format: "%+.1f (%+.1f to %+.1f)", d, l, h) + (isBeyondChance ? "" : ", within chance")
        }
    }

    private let labels: [Int32]
    private let classes: Int
    /// The rows of each class.
    private let rows: [[Int]]
    private let philox: Philox
    public let draws: Int

    public init(labels: [Int32], classes: Int, seed: UInt64, draws: Int = 1000) {
        (self.labels, self.classes, self.draws) = (labels, classes, draws)
        var rows = [[Int]](repeating: [], count: classes)
        for (row, label) in labels.enumerated() { rows[Int(label)].append(row) }
        self.rows = rows
        philox = Philox(seed: seed)
    }

    /// The interval of an objective's value under `a` less that under `b`.
    public func interval(
        _ a: RowPredictions, over b: RowPredictions, of form: ObjectiveForm, loop: BlockLoop = .serial
    ) throws -> Interval {
        let found = Mutex([Double](repeating: 0, count: draws))
        try loop(draws) { draw in
            let times = times(draw)
            let difference = value(a, times, form) - value(b, times, form)
            found.withLock { $0[draw] = difference }
        }
        let sorted = found.withLock { $0.sorted() }
        let once = [UInt16](repeating: 1, count: labels.count)
        return Interval(
            difference: value(a, once, form) - value(b, once, form), low: Self.quantile(sorted, 0.025),
            high: Self.quantile(sorted, 0.975))
    }

    /// How often each row is in a draw.
    private func times(_ draw: Int) -> [UInt16] {
        var times = [UInt16](repeating: 0, count: labels.count)
        for (k, own) in rows.enumerated() where !own.isEmpty {
            for position in stride(from: 0, to: own.count, by: 2) {
                let block = philox.block(.bootstrap, index: draw, slot: position, lane: UInt32(k))
                times[own[block.low.scaled(to: own.count)]] += 1
                if position + 1 < own.count { times[own[block.high.scaled(to: own.count)]] += 1 }
            }
        }
        return times
    }

    /// The objective's value where each row counts as often as it was drawn.
    private func value(_ predictions: RowPredictions, _ times: [UInt16], _ form: ObjectiveForm) -> Double {
        var samples = [Double](repeating: 0, count: classes)
        var (hits, predicted) = (samples, samples)
        for (row, label) in labels.enumerated() { samples[Int(label)] += Double(times[row]) }
        for component in predictions.components {
            for (row, label) in labels.enumerated() where times[row] > 0 {
                let weight = component.weight * Double(times[row])
                let decision = component.classes[row]
                if decision == RowPredictions.silent { continue }
                predicted[Int(decision)] += weight
                if decision == label { hits[Int(label)] += weight }
            }
        }
        return form.value(hits: hits, samples: samples, predicted: predicted)
    }

    private static func quantile(_ sorted: [Double], _ part: Double) -> Double {
        let place = part * Double(sorted.count - 1)
        let (below, above) = (Int(place), min(Int(place) + 1, sorted.count - 1))
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
