import SelMix

/// Confusion counts as a watcher needs them: sparse, so that they may be kept where K is large.
struct ConfusionView: Sendable {
    struct Entry: Sendable {
        var predicted: Int32
        var count: Int64
    }

    let classes: Int
    /// Validation samples and predictions by class, [K].
    let rowTotals: [Int64]
    let columnTotals: [Int64]
    /// Where each class's entries begin, [K + 1].
    private let starts: [Int]
    private let entries: [Entry]
    private let hits: [Int64]

    init(_ counts: ConfusionCounts) {
        classes = counts.classes
        var (rows, columns) = ([Int64](repeating: 0, count: classes), [Int64](repeating: 0, count: classes))
        var hits = rows
        var (entries, starts): ([Entry], [Int]) = ([], [0])
        starts.reserveCapacity(classes + 1)
        for entry in counts.sparse {
            while starts.count <= entry.label { starts.append(entries.count) }
            entries.append(Entry(predicted: Int32(entry.predicted), count: entry.count))
            rows[entry.label] += entry.count
            columns[entry.predicted] += entry.count
            if entry.label == entry.predicted { hits[entry.label] = entry.count }
        }
        while starts.count <= classes { starts.append(entries.count) }
        (rowTotals, columnTotals, self.hits) = (rows, columns, hits)
        (self.entries, self.starts) = (entries, starts)
    }

    /// By class, [K]; nil where there is no sample.
    var recalls: [Double?] { zip(hits, rowTotals).map { $1 == 0 ? nil : Double($0) / Double($1) } }

    /// Share of the predictions by class, [K].
    var coverages: [Double] {
        let total = Double(max(1, rowTotals.reduce(0, +)))
        return columnTotals.map { Double($0) / total }
    }

    func row(_ label: Int) -> ArraySlice<Entry> { entries[starts[label]..<starts[label + 1]] }
}
