import CKernels
import Common
import Coordination
import SelMix
import Training

/// What it takes to judge a cross-fitted run's validation rows again: the heads of the best round, `weight.F` [K, d] and
/// `bias.F` [K] for each fold F, and `fold` [N], the fold of every validation row. The head that the run leaves is the mean
/// of these heads, and has trained on all rows.
struct FoldsFile {
    /// By fold.
    let heads: [Parameters]
    let plan: FoldPlan
    /// ``LabeledFeatures/digest`` of the validation rows, in hexadecimal: with others the folds mean nothing.
    let validation: String

    private static let validationKey = "validation"

    init(heads: [Parameters], plan: FoldPlan, validation: LabeledFeatures) {
        (self.heads, self.plan, self.validation) = (heads, plan, validation.digest.hexadecimal)
    }

    func write(to path: String) throws {
        let tensors = heads.enumerated().flatMap { fold, head in
            head.layout.entries.filter { !$0.isFixed }.map {
                TensorContent(
                    name: "\($0.name).\(fold)", dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            }
        }
        let folds = TensorContent(
            name: "fold", shape: [plan.foldOfRow.count], values: plan.foldOfRow.map { Int64($0) })
        try SafetensorsWriter.write(
            tensors + [folds], metadata: ["selmix": Version.current, Self.validationKey: validation], to: path)
    }

    /// - Throws: `invalidInput` when it cannot be read, or is no such file.
    init(_ path: String) throws {
        let file = try TensorFile.open(path)
        let catalog = TensorCatalog()
        let count = file.names.count { $0.hasPrefix("weight.") }
        heads = try (0..<count).map { fold in
            try PreparedRun.head(
                HeadFiles(
                    weight: "\(path)#weight.\(fold)",
                    bias: file.names.contains("bias.\(fold)") ? "\(path)#bias.\(fold)" : nil), catalog: catalog)
        }
        let folds = try file.tensor("fold")
        guard count > 1, let digest = file.metadata[Self.validationKey] else {
            throw SelMixError(.invalidInput, "`\(path)` does not hold the heads of a cross-fitted run")
        }
        let values = try folds.integers()
        guard folds.shape.count == 1, values.allSatisfy({ (0..<count).contains($0) }) else {
            throw SelMixError(.invalidInput, "`\(path)#fold` names folds other than 0 ... \(count - 1)")
        }
        plan = FoldPlan(foldOfRow: values.map { Int32($0) }, folds: count)
        validation = digest
    }
}

extension PreparedRun {
    /// What each validation row is predicted by the head that it is held out from; with one fold by the one head.
    ///
    /// - Parameters:
    ///   - heads: by fold.
    ///   - plan: the deal that they were trained with; by default this run's own.
    func outOfFold(_ heads: [Parameters], plan: FoldPlan? = nil) throws -> RowPredictions {
        let plan = plan ?? folds
        var predicted = [Int32](repeating: 0, count: validation.count)
        let evaluation = try HeadEvaluation(classes: classes, dimension: dimension)
        for (fold, head) in heads.enumerated() {
            try evaluation.classify(validation.features, rows: plan.heldOut(from: fold), weights: head) {
                row, _, logits in predicted[row] = Int32(smx_argmax(logits, classes))
            }
        }
        return RowPredictions(predicted)
    }
}
