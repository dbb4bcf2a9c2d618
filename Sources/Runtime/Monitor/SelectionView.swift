import SelMix
import Synchronization

/// What a round's validation and selection look like to a watcher. Immutable but for what it has computed already:
/// nothing is computed before somebody asks.
final class SelectionView: Sendable {
    /// Beyond so many classes only the gains are kept whole, and not the distribution as well: each is K^2 numbers.
    private static let mostClassesWithDistribution = 4096
    private static let topPairs = 50

    let round: Int
    let selection: TrainingEngine.RoundSelection?
    let counts: ConfusionView
    let before: ConfusionView
    /// The class at each position, [K].
    let order: [Int]
    private let largest: Mutex<(pairs: [ReportPage.TopPair]?, range: (Float, Float)?)> = .init((nil, nil))
    private let blocks = Mutex<[(query: MatrixQuery, block: Block)]>([])

    /// A block's numbers.
    struct Block: Sendable {
        var rowBins: [[Int]]
        var columnBins: [[Int]]
        var values: [Float]
    }

    init(
        round: Int, selection: TrainingEngine.RoundSelection?, counts: ConfusionView, before: ConfusionView,
        order: [Int]
    ) {
        (self.round, self.counts, self.before, self.order) = (round, counts, before, order)
        self.selection = selection
    }

    var matrices: [MatrixQuery.Name] {
        guard selection != nil else { return [.confusion, .confusionBefore] }
        return counts.classes <= Self.mostClassesWithDistribution
            ? MatrixQuery.Name.allCases : [.gain, .confusion, .confusionBefore]
    }

    var topPairs: [ReportPage.TopPair]? {
        guard let selection else { return nil }
        return largest.withLock { known in
            if known.pairs == nil { known.pairs = ReportPage.topPairs(selection, count: Self.topPairs) }
            return known.pairs
        }
    }

    /// Smallest and largest gain.
    var gainRange: (Float, Float)? {
        guard let selection else { return nil }
        return largest.withLock { known in
            if known.range == nil {
                let values = selection.gain.values
                known.range = (values.min() ?? 0, values.max() ?? 0)
            }
            return known.range
        }
    }

    /// - Returns: nil for a matrix that is not there.
    func block(_ query: MatrixQuery) -> Block? {
        guard matrices.contains(query.matrix) else { return nil }
        if let known = blocks.withLock({ $0.first { $0.query == query } }) { return known.block }
        let rows = MatrixQuery.bins(query.rows, atMost: query.bins)
        let columns = MatrixQuery.bins(query.columns, atMost: query.bins)
        let values =
            switch query.matrix {
            case .gain: binned(selection!.gain, rows, columns, query.statistic)
            case .distribution: binned(selection!.distribution.probabilities, rows, columns, query.statistic)
            case .confusion: binned(counts, rows, columns, query)
            case .confusionBefore: binned(before, rows, columns, query)
            }
        let block = Block(rowBins: rows, columnBins: columns, values: values)
        blocks.withLock { $0 = Array(($0 + [(query, block)]).suffix(8)) }
        return block
    }

    private func binned(
        _ matrix: Matrix<Float>, _ rows: [[Int]], _ columns: [[Int]], _ statistic: MatrixQuery.Statistic
    ) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(rows.count * columns.count)
        for row in rows {
            for column in columns {
                var bin = Bin()
                for r in row[0]...row[1] {
                    for c in column[0]...column[1] { bin.add(matrix[order[r], order[c]]) }
                }
                values.append(bin.value(statistic))
            }
        }
        return values
    }

    /// Shares of a row, from its few entries.
    private func binned(
        _ counts: ConfusionView, _ rows: [[Int]], _ columns: [[Int]], _ query: MatrixQuery
    ) -> [Float] {
        var positions = [Int](repeating: 0, count: order.count)
        for (position, label) in order.enumerated() { positions[label] = position }
        var binOfColumn = [Int](repeating: -1, count: order.count)
        for (index, bin) in columns.enumerated() {
            for position in bin[0]...bin[1] { binOfColumn[position] = index }
        }
        var values: [Float] = []
        for row in rows {
            var bins = [Bin](repeating: Bin(), count: columns.count)
            for position in row[0]...row[1] {
                let label = order[position]
                let total = Float(max(1, counts.rowTotals[label]))
                for entry in counts.row(label) {
                    let bin = binOfColumn[positions[Int(entry.predicted)]]
                    if bin >= 0 { bins[bin].add(Float(entry.count) / total) }
                }
            }
            for (bin, column) in zip(bins, columns) {
                values.append(
                    bin.value(query.statistic, cells: (row[1] - row[0] + 1) * (column[1] - column[0] + 1)))
            }
        }
        return values
    }

    private struct Bin {
        private var sum = 0.0
        private var count = 0
        private var smallest = Float.infinity
        private var largest = -Float.infinity

        mutating func add(_ value: Float) {
            sum += Double(value)
            count += 1
            smallest = min(smallest, value)
            largest = max(largest, value)
        }

        /// - Parameter cells: how many the bin has, where zeros were left out.
        func value(_ statistic: MatrixQuery.Statistic, cells: Int? = nil) -> Float {
            let cells = cells ?? count
            let hasZeros = cells > count
            return switch statistic {
            case .mean: Float(sum / Double(max(1, cells)))
            case .max: hasZeros ? max(largest, 0) : largest
            case .min: hasZeros ? min(smallest, 0) : smallest
            }
        }
    }
}
