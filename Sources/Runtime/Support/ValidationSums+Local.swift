import Common
import SelMix
import Training

extension ValidationSums {
    /// A whole validation with class feature sums, computed here: to the bytes what a run's workers would send together.
    ///
    /// - Parameter heads: by fold.
    init(computing run: PreparedRun, heads: [Parameters]) throws {
        let mean = heads.mean
        let shards = run.job.cluster.shards
        let evaluation = try HeadEvaluation(classes: run.classes, dimension: run.dimension)
        self = try TreeNode.root(shards: shards).reduce(
            { node in
                guard node.count == 1 else { return nil }
                let shard = ShardID(node.lower)
                var sums = ValidationSums(
                    counts: ConfusionCounts(classes: run.classes),
                    featureSums: AlignedBuffer(byteCount: run.classes * run.dimension * 8, zeroed: true))
                try evaluation.add(
                    run.validation, shard: shard, of: shards, heads: heads, heldOut: run.folds, counts: &sums.counts,
                    sums: sums.featureSums?.values(as: Double.self).baseAddress)
                if let unlabeled = run.unlabeled {
                    sums.pseudoLabels = try evaluation.predict(unlabeled, shard: shard, of: shards, weights: mean)
                }
                return sums
            },
            add: { left, right in
                var sum = left
                sum.add(right)
                return sum
            })
    }
}
