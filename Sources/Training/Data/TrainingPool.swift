import Common
import SelMix

/// The labelled samples that one head trains on: the training samples, and with folds the validation rows that this head
/// is not judged by.
///
/// Rows are counted through: validation row r has the index N + r, where N is the number of training samples. A training
/// sample that equals a held-out validation row is left out, since the head would otherwise be judged by what it has seen.
public struct TrainingPool: Sendable {
    let train: StoredTensor
    /// The features behind the training samples' indices; nil where no validation row is trained on.
    let validation: StoredTensor?
    let shards: TrainingShards

    public var dimension: Int { train.shape[1] }

    /// The training samples alone.
    public init(_ train: LabeledFeatures, shards: TrainingShards) {
        self.init(train.features, nil, shards)
    }

    /// What head `fold` trains on.
    ///
    /// - Parameters:
    ///   - equals: training samples that equal a validation row, with that row.
    ///   - shards: V.
    public init(
        _ train: LabeledFeatures, _ validation: LabeledFeatures, heldOut plan: FoldPlan, fold: Int,
        equals: [RowTwins.Pair], shards: Int
    ) {
        guard plan.folds > 1 else {
            self.init(
                train, shards: TrainingShards(labels: train.labels, classes: train.classes, shards: shards))
            return
        }
        var labels = train.labels
        for pair in equals where plan.foldOfRow[pair.row] == fold { labels[pair.other] = TrainingShards.leftOut }
        labels += zip(validation.labels, plan.foldOfRow).map { $1 == fold ? TrainingShards.leftOut : $0 }
        self.init(
            train.features, validation.features,
            TrainingShards(labels: labels, classes: train.classes, shards: shards))
    }

    private init(_ train: StoredTensor, _ validation: StoredTensor?, _ shards: TrainingShards) {
        (self.train, self.validation, self.shards) = (train, validation, shards)
    }

    /// The features of a row, where they lie or converted in `scratch`.
    func floats(row: Int, scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        let count = train.shape[0]
        guard row >= count, let validation else { return train.floats(row: row, scratch: scratch) }
        return validation.floats(row: row - count, scratch: scratch)
    }
}
