import CKernels
import Common
import SelMix
import Training

/// What it takes to judge a cross-fitted run's validation rows again: the heads of the best round, `weight.F` [K, d] and
/// `bias.F` [K] for each fold F, and `fold` [N], the fold of every validation row. The head that the run leaves is the mean
/// of these heads, and has trained on all rows.
enum FoldsFile {
    static func write(_ heads: [Parameters], _ plan: FoldPlan, to path: String) throws {
        let tensors = heads.enumerated().flatMap { fold, head in
            head.layout.entries.filter { !$0.isFixed }.map {
                TensorContent(
                    name: "\($0.name).\(fold)", dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            }
        }
        let folds = TensorContent(
            name: "fold", shape: [plan.foldOfRow.count], values: plan.foldOfRow.map { Int64($0) })
        try SafetensorsWriter.write(tensors + [folds], metadata: ["selmix": Version.current], to: path)
    }

    /// The heads of such a file, by fold.
    ///
    /// - Throws: `invalidInput` when it cannot be read.
    static func heads(_ path: String, folds: Int) throws -> [Parameters] {
        let catalog = TensorCatalog()
        let names = try TensorFile.open(path).names
        return try (0..<folds).map { fold in
            try PreparedRun.head(
                HeadFiles(
                    weight: "\(path)#weight.\(fold)",
                    bias: names.contains("bias.\(fold)") ? "\(path)#bias.\(fold)" : nil), catalog: catalog)
        }
    }
}

extension PreparedRun {
    /// What each validation row is predicted by the head that it is held out from; with one fold by the one head.
    ///
    /// - Parameter heads: by fold.
    func outOfFold(_ heads: [Parameters]) throws -> RowPredictions {
        var predicted = [Int32](repeating: 0, count: validation.count)
        let evaluation = try HeadEvaluation(classes: classes, dimension: dimension)
        for (fold, head) in heads.enumerated() {
            let rows = folds.folds == 1 ? Array(0..<validation.count) : folds.heldOut(from: fold)
            try evaluation.classify(validation.features, rows: rows, weights: head) { row, _, logits in
                predicted[row] = Int32(smx_argmax(logits, classes))
            }
        }
        return RowPredictions(predicted)
    }
}
