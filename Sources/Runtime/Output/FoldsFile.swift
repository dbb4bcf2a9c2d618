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
    var heads: [Parameters]
    var foldOfRow: [Int32]
    /// Of the validation rows: with others the folds mean nothing.
    var validation: Digest

    private static let validationKey = "validation"

    init(heads: [Parameters], foldOfRow: [Int32], validation: Digest) {
        (self.heads, self.foldOfRow, self.validation) = (heads, foldOfRow, validation)
    }

    func write(to path: String) throws {
        let tensors = heads.enumerated().flatMap { fold, head in
            head.layout.entries.filter { !$0.isFixed }.map {
                TensorContent(
                    name: "\($0.name).\(fold)", dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            }
        }
        let folds = TensorContent(name: "fold", shape: [foldOfRow.count], values: foldOfRow.map { Int64($0) })
        try SafetensorsWriter.write(
            tensors + [folds],
            metadata: ["selmix": Version.current, Self.validationKey: validation.description], to: path)
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
        guard count > 1, let digest = file.metadata[Self.validationKey].flatMap({ UInt64($0, radix: 16) }) else {
            throw SelMixError(.invalidInput, "`\(path)` does not hold the heads of a cross-fitted run")
        }
        let values = try folds.integers()
        guard folds.shape.count == 1, values.allSatisfy({ (0..<count).contains($0) }) else {
            throw SelMixError(.invalidInput, "`\(path)#fold` names folds other than 0 ... \(count - 1)")
        }
        foldOfRow = values.map { Int32($0) }
        validation = Digest(rawValue: digest)
    }
}

extension LabeledFeatures {
    /// Of the bytes of features and labels.
    var digest: Digest {
        Digest(rawValue: labels.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, features.digest()) })
    }
}

extension PreparedRun {
    /// What each validation row is predicted by the head that it is held out from; with one fold by the one head.
    ///
    /// - Parameter heads: by fold.
    func outOfFold(_ heads: [Parameters]) throws -> RowPredictions {
        try outOfFold(heads, foldOfRow: folds.foldOfRow)
    }

    func outOfFold(_ heads: [Parameters], foldOfRow: [Int32]) throws -> RowPredictions {
        var predicted = [Int32](repeating: 0, count: validation.count)
        let evaluation = try HeadEvaluation(classes: classes, dimension: dimension)
        for (fold, head) in heads.enumerated() {
            let rows = (0..<validation.count).filter { heads.count == 1 || foldOfRow[$0] == Int32(fold) }
            try evaluation.classify(validation.features, rows: rows, weights: head) { row, _, logits in
                predicted[row] = Int32(smx_argmax(logits, classes))
            }
        }
        return RowPredictions(predicted)
    }
}
