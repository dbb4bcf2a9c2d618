import Common

/// Which validation rows each of F heads must not train on.
///
/// Cross-fitting trains F heads. Head f trains on the training samples and on the validation rows of all folds but f; the
/// rows of fold f are held out from it, so that it can judge them as it would judge a stranger's. Every validation row is
/// held out from exactly one head. The pooled judgements of all rows are then an honest estimate, although all labels
/// were trained on. With one fold nothing of the validation split is trained on, which is the published method.
///
/// Rows are dealt class by class, in an order drawn by counter, so that every fold has floor or ceil(n / F) rows of a class
/// of n. A class with fewer rows than folds is held out in as many folds as it has rows. Rows with equal features share a
/// fold, since otherwise one would be trained on while the other judges; they are dealt with the first of them.
public struct FoldPlan: Hashable, Sendable {
    /// F, at least 1.
    public let folds: Int
    /// The fold of each validation row, [N].
    public let foldOfRow: [Int32]

    /// - Parameters:
    ///   - labels: the class of each validation row, [N].
    ///   - twins: for each row that equals an earlier one, the first row that it equals.
    ///   - seed: the run's.
    /// - Throws: when there are more folds than any class has rows, so that some fold would hold out nothing it could.
    public init(labels: [Int32], classes: Int, folds: Int, twins: [Int: Int] = [:], seed: UInt64) throws {
        precondition(folds >= 1, "\(folds) folds")
        self.folds = folds
        guard folds > 1 else {
            foldOfRow = [Int32](repeating: 0, count: labels.count)
            return
        }
        var rows = [[Int]](repeating: [], count: classes)
        for (row, label) in labels.enumerated() where twins[row] == nil { rows[Int(label)].append(row) }
        let most = rows.map(\.count).max() ?? 0
        guard folds <= most else {
            throw SelMixError(
                .invalidInput,
                "`selmix.folds` is \(folds), and no class has more than \(most) different validation rows",
                hint: (most > 1 ? "set `selmix.folds: \(most)`, or" : "set")
                    + " `selmix.folds: 1`, which trains on no validation row")
        }
        let philox = Philox(seed: seed)
        var foldOfRow = [Int32](repeating: 0, count: labels.count)
        var dealt = 0
        for ofClass in rows {
            let shuffled = ofClass.map { (key: philox.block(.folds, index: $0, slot: 0).low, row: $0) }
                .sorted { ($0.key, $0.row) < ($1.key, $1.row) }
            // The deal goes on where the last class ended, so that the folds are of one size, too.
            for (_, row) in shuffled {
                foldOfRow[row] = Int32(dealt % folds)
                dealt += 1
            }
        }
        for (row, first) in twins { foldOfRow[row] = foldOfRow[first] }
        self.foldOfRow = foldOfRow
    }

    /// A deal that was written down.
    ///
    /// - Parameter foldOfRow: [N], each in 0 ..< F.
    public init(foldOfRow: [Int32], folds: Int) { (self.foldOfRow, self.folds) = (foldOfRow, folds) }

    /// The validation rows that head f must not train on, in order.
    public func heldOut(from fold: Int) -> [Int] { foldOfRow.indices.filter { foldOfRow[$0] == fold } }
}
