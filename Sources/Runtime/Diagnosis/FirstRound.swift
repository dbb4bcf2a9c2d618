import Common
import SelMix
import Training

/// Validation and selection of a run's round 0, computed here, to the bytes those that the run would have.
struct FirstRound {
    let counts: ConfusionCounts
    let selection: TrainingEngine.RoundSelection
    /// The mean of the heads from which training starts, at which the gain is computed.
    let head: Parameters
    /// Features without labels, in the semi-supervised setting.
    private let unlabeled: StoredTensor?

    init(_ run: PreparedRun) throws {
        let engine = try TrainingEngine(run)
        let sums = try ValidationSums(computing: run, heads: engine.heads)
        let round = try engine.select(RoundIndex(0), sums: sums, isLast: false)
        guard let selection = round.selection else { preconditionFailure("a first round without a selection") }
        (counts, self.selection, head, unlabeled) = (sums.counts, selection, engine.heads.mean, run.unlabeled)
    }

    /// Training samples as training mixes them, but all in one shard, and no step is too late to mix.
    func mixedBatch(_ run: PreparedRun, seed: UInt64) throws -> MixedBatch {
        let train = try LabeledFeatures(
            run.job.data.train, role: "train", catalog: TensorCatalog(), classes: run.classes, dimension: run.dimension)
        var rule = run.job.selmix.mixRule
        rule.endStep = .max
        var batch = MixedBatch(
            TrainingPool(train, shards: TrainingShards(labels: train.labels, classes: run.classes, shards: 1)),
            rule: rule, seed: seed)
        batch.unlabeled = unlabeled.map {
            UnlabeledPools(features: $0, labels: selection.pseudoLabels, classes: run.classes, shards: 1)
        }
        return batch
    }
}
