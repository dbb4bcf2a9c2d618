import Common
import Coordination
import Messaging
import SelMix
import Training

/// What a worker computes, computed by the coordinating process: for audits without a second worker, and to settle who is
/// right when two differ.
///
/// It maps the job's data when it is first asked, and belongs to the compute queue.
final class Recomputation: @unchecked Sendable {
    private let job: Job
    private let twins: RowTwins
    private var worker: (data: WorkerData, engine: WorkerEngine)?
    /// Unlabelled samples by pseudo-label, with the selection that the labels are of.
    private var pools: (selection: Digest, pools: UnlabeledPools)?

    init(job: Job, twins: RowTwins) { (self.job, self.twins) = (job, twins) }

    /// - Parameters:
    ///   - assignment: of the shards of one node.
    ///   - pairs: for a step, the class pairs of its slots.
    ///   - pseudoLabels: of the selection; empty in the supervised setting.
    func compute(
        _ assignment: Assignment, heads: [PackedParameters], pairs: [ClassPair], pseudoLabels: [Int32]
    ) throws -> (Contribution, ContributionPayload) {
        let (data, engine) = try worker ?? load()
        var slices: [TensorFrame] = []
        var made: (contribution: Contribution, frames: [TensorFrame])?
        try engine.compute(
            assignment, heads: heads, pairs: pairs, unlabeled: pools(of: pseudoLabels, assignment.selection, data),
            isWanted: { true },
            deliver: { output in
                switch output {
                case .slice(_, let frame): slices.append(frame)
                case .contribution(let contribution, let frames): made = (contribution, frames)
                }
            })
        // The engine answers every assignment that is wanted to its end, and this one always is.
        guard var made else { preconditionFailure("\(assignment) gave nothing") }
        made.contribution = made.contribution.toCoordinator
        switch assignment.work {
        case .train: return (made.contribution, .gradient(GradientFrames(slices: slices, whole: made.frames)))
        case .validate:
            let sums = try ValidationSums(
                frames: made.frames, classes: data.classes, dimension: data.dimension,
                withFeatureSums: assignment.featureSums,
                samples: ValidationSums.sampleCount(
                    of: made.contribution.node, total: data.validation.count, shards: job.cluster.shards),
                unlabeled: data.unlabeled.map {
                    ValidationSums.sampleCount(
                        of: made.contribution.node, total: $0.shape[0], shards: job.cluster.shards)
                } ?? 0)
            return (made.contribution, .statistics(sums))
        }
    }

    private func load() throws -> (data: WorkerData, engine: WorkerEngine) {
        let data = try WorkerData(job: job, twins: twins)
        let made = (data, try WorkerEngine(data: data, progress: WorkerEngine.Progress()))
        worker = made
        return made
    }

    private func pools(of labels: [Int32], _ selection: Digest, _ data: WorkerData) -> UnlabeledPools? {
        guard let features = data.unlabeled, !labels.isEmpty else { return nil }
        if let pools, pools.selection == selection { return pools.pools }
        let made = UnlabeledPools(
            features: features, labels: labels, classes: data.classes, shards: job.cluster.shards)
        pools = (selection, made)
        return made
    }
}
