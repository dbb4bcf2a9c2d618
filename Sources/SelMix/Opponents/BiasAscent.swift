import Common

/// One bias a class, tuned for the objective itself: exact coordinate ascent on the objective of the decisions.
///
/// The objective is a step function of a class's bias: each row changes to that class at one value of it, where the class's
/// logit draws level with the best of the others. So one coordinate is maximised exactly by a sweep: sort those values,
/// walk through them, change one count at each, and keep the best interval. Coordinates are taken in turns until a whole
/// pass wins nothing. Two things keep that cheap at a thousand classes and 20,000 rows: each row's few best classes are
/// kept, so that no row is read whole (``BestClasses``), and a sweep upwards ends when the most that can still be won is
/// less than what it has found (``RunningObjective/bound(raising:)``).
///
/// This is what anyone would try first who may tune on the validation labels, so it is the opponent to beat. It can only
/// reach a local maximum, as any ascent by coordinates.
public struct BiasAscent: Sendable {
    public struct Result: Sendable {
        /// [K], to be added to the logits.
        public var bias: [Double]
        /// The objective's value on the rows that were tuned on.
        public var value: Double
        public var passes: Int
    }

    private static let block = 64

    let form: ObjectiveForm
    let labels: [Int32]
    let rows: [Int]
    /// Passes after which the ascent ends, whatever is still to be won.
    public var maximalPasses = 30

    /// - Parameters:
    ///   - labels: true classes of all rows of the logits.
    ///   - rows: those to tune on; nil for all.
    public init(_ form: ObjectiveForm, labels: [Int32], rows: [Int]? = nil) {
        self.form = form
        self.rows = rows ?? Array(labels.indices)
        self.labels = self.rows.map { labels[$0] }
    }

    /// - Parameter start: biases to begin with, [K], added to the logits.
    public func callAsFunction(_ logits: some LogitColumns, from start: [Double]) throws -> Result {
        var sweep = Sweep(form, labels: labels, bias: start)
        let (all, block) = (logits.rows, min(Self.block, logits.classes))
        let columns = UnsafeMutableBufferPointer<Float>.allocate(capacity: block * all)
        defer { columns.deallocate() }
        let column = UnsafeMutableBufferPointer<Float>.allocate(capacity: rows.count)
        defer { column.deallocate() }
        let whole = UnsafeMutableBufferPointer<Float>.allocate(capacity: logits.classes)
        defer { whole.deallocate() }
        func forEachClass(_ body: (Int) throws -> Void) throws {
            for first in stride(from: 0, to: logits.classes, by: block) {
                let classes = first..<min(first + block, logits.classes)
                try logits.read(classes: classes, into: columns.baseAddress!)
                for k in classes {
                    let own = columns.baseAddress! + (k - first) * all
                    for (index, row) in rows.enumerated() { column[index] = own[row] }
                    try body(k)
                }
            }
        }
        try forEachClass { k in sweep.begin(k, UnsafeBufferPointer(column)) }
        sweep.count()
        var passes = 0
        var improved = true
        while improved, passes < maximalPasses {
            improved = false
            passes += 1
            try forEachClass { k in
                guard let bias = sweep.best(k, UnsafeBufferPointer(column)) else { return }
                improved = true
                try sweep.set(k, to: bias, UnsafeBufferPointer(column)) { index in
                    try logits.read(row: rows[index], into: whole.baseAddress!)
                    return UnsafeBufferPointer(whole)
                }
            }
        }
        return Result(bias: sweep.bias, value: sweep.value, passes: passes)
    }
}

extension BiasAscent {
    /// The state of an ascent: biases, the best classes of each row, and the objective's running value.
    private struct Sweep {
        private let form: ObjectiveForm
        private let labels: [Int32]
        private(set) var bias: [Double]
        private var best: BestClasses
        private var objective: RunningObjective
        /// How far above the present bias a sweep looks first; most end long before.
        private static let firstWindow = 0.5

        /// A row that changes to or from a class at one value of the class's bias.
        private struct Change {
            var at: Double
            var row: Int
        }

        init(_ form: ObjectiveForm, labels: [Int32], bias: [Double]) {
            (self.form, self.labels, self.bias) = (form, labels, bias)
            best = BestClasses(rows: labels.count)
            objective = RunningObjective(form, classes: bias.count, labels: [], predictions: [])
        }

        var value: Double { objective.score.value }

        /// Takes in a class's logits; once for each class, before ``count()``.
        mutating func begin(_ k: Int, _ column: UnsafeBufferPointer<Float>) {
            for row in labels.indices { best.insert(row, class: k, Double(column[row]) + bias[k]) }
        }

        mutating func count() {
            objective = RunningObjective(
                form, classes: bias.count, labels: labels,
                predictions: labels.indices.map { Int32(best.best($0)) })
        }

        /// The bias of class `k` at which the objective is best, all others as they are; nil where it is best already.
        mutating func best(_ k: Int, _ column: UnsafeBufferPointer<Float>) -> Double? {
            objective.refresh()
            let present = objective.score
            let up = rise(k, column, above: present)
            let down = fall(k, column, above: up?.score ?? present)
            return (down ?? up)?.bias
        }

        private typealias Found = (score: RunningObjective.Score, bias: Double)

        /// Raises the bias: rows of other classes become `k`.
        private mutating func rise(
            _ k: Int, _ column: UnsafeBufferPointer<Float>, above present: RunningObjective.Score
        ) -> Found? {
            var walked: [(row: Int, from: Int)] = []
            var found: Found?
            var window = Self.firstWindow
            var (from, isOver) = (-Double.infinity, false)
            var previous: Double?
            while !isOver {
                let to = bias[k] + window
                var (changes, isLast) = ([Change](), true)
                for row in labels.indices where best.best(row) != k {
                    let at = best.best(row, besides: k).value - Double(column[row])
                    if at > to { isLast = false } else if at > from { changes.append(Change(at: at, row: row)) }
                }
                changes.sort { ($0.at, $0.row) < ($1.at, $1.row) }
                // Where the window ends between two changes, the interval behind the last one is looked at with the next.
                for (index, change) in changes.enumerated() {
                    if let previous, change.at > previous {
                        let score = objective.score
                        if score.isBetter(than: found?.score ?? present) {
                            found = (score, (previous + change.at) / 2)
                        }
                        if index.isMultiple(of: 8), let bound = objective.bound(raising: k),
                            !bound.isBetter(than: found?.score ?? present)
                        {
                            isOver = true
                            break
                        }
                    }
                    previous = change.at
                    let old = best.best(change.row, besides: k).class
                    objective.move(label: Int(labels[change.row]), from: old, to: k)
                    walked.append((change.row, old))
                }
                if isLast, !isOver {
                    isOver = true
                    let score = objective.score
                    if let previous, score.isBetter(than: found?.score ?? present) { found = (score, previous + 1) }
                }
                (from, window) = (to, window * 4)
            }
            for (row, old) in walked.reversed() { objective.move(label: Int(labels[row]), from: k, to: old) }
            objective.refresh()
            return found
        }

        /// Lowers the bias: rows of class `k` go to their best other class. There are no more of them than are predicted.
        private mutating func fall(
            _ k: Int, _ column: UnsafeBufferPointer<Float>, above present: RunningObjective.Score
        ) -> Found? {
            var changes: [Change] = []
            for row in labels.indices where best.best(row) == k {
                changes.append(Change(at: best.best(row, besides: k).value - Double(column[row]), row: row))
            }
            changes.sort { ($1.at, $0.row) < ($0.at, $1.row) }
            var found: Found?
            for (index, change) in changes.enumerated() {
                objective.move(label: Int(labels[change.row]), from: k, to: best.best(change.row, besides: k).class)
                let next = index + 1 < changes.count ? changes[index + 1].at : change.at - 2
                guard next < change.at else { continue }
                let score = objective.score
                if score.isBetter(than: found?.score ?? present) { found = (score, (change.at + next) / 2) }
            }
            for change in changes.reversed() {
                objective.move(label: Int(labels[change.row]), from: best.best(change.row, besides: k).class, to: k)
            }
            objective.refresh()
            return found
        }

        /// - Parameter read: the logits of a row, for which fewer than two classes are known any more.
        mutating func set(
            _ k: Int, to value: Double, _ column: UnsafeBufferPointer<Float>,
            read: (Int) throws -> UnsafeBufferPointer<Float>
        ) throws {
            bias[k] = value
            for row in labels.indices {
                let old = best.best(row)
                if !best.set(row, class: k, to: Double(column[row]) + value) {
                    let logits = try read(row)
                    best.fill(row, bias.indices.map { Double(logits[$0]) + bias[$0] })
                }
                let new = best.best(row)
                if new != old { objective.move(label: Int(labels[row]), from: old, to: new) }
            }
        }
    }
}
