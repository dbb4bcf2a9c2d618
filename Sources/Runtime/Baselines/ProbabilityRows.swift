import SelMix
import Synchronization
import Training

/// Calibrated probabilities of some validation rows, on which decisions are tried one after another: held where they are
/// small, made again from the logits where they are not.
struct ProbabilityRows {
    private static let limit = 512 << 20
    private static let parts = 8

    private let table: LogitTable
    private let rows: [Int]
    private let labels: [Int32]
    private let scaling: VectorScaling
    /// [rows, K]; nil where it would be too large.
    private let held: AlignedBuffer?

    /// - Parameter labels: of all rows of the table.
    init(_ table: LogitTable, rows: [Int], labels: [Int32], _ scaling: VectorScaling) throws {
        (self.table, self.rows, self.labels, self.scaling) = (table, rows, labels, scaling)
        guard rows.count * table.classes * 4 <= Self.limit else {
            held = nil
            return
        }
        let held = AlignedBuffer(byteCount: rows.count * table.classes * 4)
        var next = held.floats().baseAddress!
        try table.forEach(rows) { _, logits in
            scaling.probabilities(logits, into: next)
            next += table.classes
        }
        self.held = held
    }

    /// Confusion counts of a decision over the rows.
    func counts(_ rule: PlugInRule, loop: BlockLoop) throws -> ConfusionCounts {
        guard let held else {
            var counts = ConfusionCounts(classes: table.classes)
            var p = [Float](repeating: 0, count: table.classes)
            try table.forEach(rows) { row, logits in
                scaling.probabilities(logits, into: &p)
                counts.add(true: Int(self.labels[row]), predicted: rule.decision(p))
            }
            return counts
        }
        // Counts are whole numbers, so the order in which parts are added does not matter.
        let total = Mutex(ConfusionCounts(classes: table.classes))
        let (rows, labels, classes) = (rows, labels, table.classes)
        try loop(Self.parts) { part in
            var counts = ConfusionCounts(classes: classes)
            let all = held.floats().baseAddress!
            for index in rows.count * part / Self.parts..<rows.count * (part + 1) / Self.parts {
                counts.add(true: Int(labels[rows[index]]), predicted: rule.decision(all + index * classes))
            }
            total.withLock { $0 += counts }
        }
        return total.withLock { $0 }
    }
}
