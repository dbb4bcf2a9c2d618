import CKernels
import Common
import Coordination
import Messaging
import SelMix
import Training

/// The numbers of a run: master weights, optimiser, multipliers, selection, history and the best head so far.
///
/// It sums what workers sent in the canonical order and computes what follows. All of its state is here, and it runs on
/// one thread at a time; ``CoordinatorShell`` calls it when the coordinator says so.
final class TrainingEngine {
    /// The round in which the best head was found; its selection can be computed from it again.
    struct BestState: Sendable {
        /// By fold.
        var heads: [Parameters]
        /// On validation, each row judged by the head that has not trained on it.
        var counts: ConfusionCounts
        var multipliers: [Double] = []

        /// What the run leaves: one ordinary head.
        var head: Parameters { heads.mean }
    }

    /// What one round's validation and gains led to.
    struct RoundSelection: Sendable {
        var gain: Matrix<Float>
        var distribution: PairDistribution
        /// Predicted class of every unlabelled sample; empty in the supervised setting.
        var pseudoLabels: [Int32] = []
        var digest: Digest
    }

    let run: PreparedRun
    /// By fold; they are trained in turns.
    private(set) var heads: [Parameters]
    /// Of ``heads``; a step changes one of them.
    private lazy var headDigests = heads.map(\.digest)
    private(set) var history: [RoundReport] = []
    private(set) var best: BestState
    private(set) var bestRound = BestRound()
    private(set) var initialCounts: ConfusionCounts?
    private var velocities: [Parameters]
    private let turns: FoldTurns
    private var multipliers: [Double] = []
    private var classSums: [Double]?
    /// Of the steps since the last validation.
    private var losses: [Double] = []
    /// The same as a mean, where those steps were taken before a restart.
    private var resumedMeanLoss: Double?
    private var convergence: ConvergenceWindow?
    private(set) var converged = false
    /// Unlabelled samples under each class's pseudo-label in the last selection, [K]; nil in the supervised setting.
    private(set) var pseudoLabelCounts: [Int]?
    private let optimizer: SGD
    private let sum: TreeSum
    private let pool = BufferPool(keeping: 8)
    /// The last step that was taken since the start.
    private(set) var lastStep: StepIndex?
    private let bounds: GradientBounds
    /// Of the step whose contributions are arriving; nil while no slice of it is made.
    private var update: StepUpdate?

    /// - Parameter state: where to go on; nil to begin.
    init(_ run: PreparedRun, resuming state: CheckpointState? = nil) throws {
        self.run = run
        turns = FoldTurns(heads: run.folds.folds)
        let start = try state?.heads ?? StartHeads(run).heads
        heads = start
        velocities = state?.velocities ?? start.map { Parameters(layout: $0.layout) }
        multipliers = state?.multipliers ?? []
        history = state?.history ?? []
        bestRound = state?.bestRound ?? BestRound()
        best = state?.best ?? BestState(heads: start, counts: ConfusionCounts(classes: run.classes))
        initialCounts = state?.initialCounts
        resumedMeanLoss = state?.meanLoss
        bounds = GradientBounds(shards: run.job.cluster.shards, largestFeature: run.largestFeature.magnitude)
        let settings = run.job.optimizer
        convergence =
            state?.convergence
            ?? run.job.selmix.convergence.map { ConvergenceWindow(length: $0.rounds, tolerance: $0.tolerance) }
        optimizer = SGD(
            learningRate: run.learningRate, momentum: settings.momentum, weightDecay: settings.weightDecay,
            schedule: settings.schedule, totalSteps: run.job.selmix.steps)
        sum = TreeSum(
            shards: run.job.cluster.shards, precision: run.job.cluster.precision, capacity: StepUpdate.blockSize)
    }

    /// What a checkpoint keeps, at the end of a round's steps.
    ///
    /// - Parameter round: the one that comes next.
    func state(before round: RoundIndex) -> CheckpointState? {
        guard let initialCounts else { return nil }
        return CheckpointState(
            nextRound: round, heads: heads, velocities: velocities, multipliers: multipliers, convergence: convergence,
            history: history, bestRound: bestRound, best: best, initialCounts: initialCounts,
            meanLoss: meanLoss)
    }

    private var meanLoss: Double? {
        losses.isEmpty ? resumedMeanLoss : losses.reduce(0, +) / Double(losses.count)
    }

    // MARK: Rounds

    struct RoundResult: Sendable {
        var report: RoundReport
        var metrics: Metrics
        /// Nil after the last step, when only the metrics were wanted.
        var selection: RoundSelection?
        /// The gains have settled, and the job asks to stop then.
        var converged = false
        /// Of this validation.
        var counts: ConfusionView
        var pseudoLabelCounts: [Int]?
    }

    /// Ends a validation: metrics, best head, multipliers, gain, distribution.
    func select(_ round: RoundIndex, sums: ValidationSums, isLast: Bool) throws -> RoundResult {
        let statistics = ConfusionStatistics(sums.counts)
        let metrics = run.metrics(sums.counts)
        var report = RoundReport(
            round: round.rawValue, objective: run.objective.value(statistics), metrics: metrics, loss: meanLoss)
        report.objectiveChange = history.last.map { report.objective - $0.objective }
        losses = []
        resumedMeanLoss = nil
        if initialCounts == nil {
            initialCounts =
                run.job.selmix.start == .brought ? sums.counts : try run.evaluate(run.head, on: run.validation)
        }
        if let featureSums = sums.featureSums { classSums = Array(featureSums.values(as: Double.self)) }

        multipliers = run.objective.multipliers(after: multipliers, statistics)
        var made: RoundSelection?
        if !isLast {
            var selection = try selection(heads.mean, sums.counts, multipliers: multipliers)
            add(sums, to: &selection, &report)
            report.largestGain = Double(smx_max(selection.gain.values, selection.gain.values.count))
            report.positivePairs = selection.distribution.positivePairs
            report.expectedGain = zip(selection.gain.values, selection.distribution.probabilities.values)
                .reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            made = selection
        }
        history.append(report)
        if keeps(report, metrics) {
            best = BestState(heads: heads, counts: sums.counts, multipliers: multipliers)
        }
        converged = report.largestGain.map { convergence?.settles(with: $0) ?? false } ?? false
        return RoundResult(
            report: report, metrics: metrics, selection: made, converged: converged, counts: ConfusionView(sums.counts),
            pseudoLabelCounts: pseudoLabelCounts)
    }

    /// Whether this round's head is the one to leave so far.
    private func keeps(_ report: RoundReport, _ metrics: Metrics) -> Bool {
        let round = RoundIndex(report.round)
        guard run.job.selmix.keep == .best else {
            bestRound.take(round: round, objective: report.objective, hMean: metrics.hMean)
            return true
        }
        return bestRound.consider(round: round, objective: report.objective, hMean: metrics.hMean)
    }

    /// Pseudo-labels belong to the selection, and are covered by its digest.
    private func add(_ sums: ValidationSums, to selection: inout RoundSelection, _ report: inout RoundReport) {
        guard !sums.pseudoLabels.isEmpty else { return }
        selection.pseudoLabels = run.unlabeledClasses ?? sums.pseudoLabelsBySample(shards: run.job.cluster.shards)
        selection.digest = Digest(
            rawValue: selection.pseudoLabels.withUnsafeBytes {
                smx_hash($0.baseAddress!, $0.count, selection.digest.rawValue)
            })
        var counts = [Int](repeating: 0, count: run.classes)
        for label in selection.pseudoLabels { counts[Int(label)] += 1 }
        pseudoLabelCounts = counts
        report.emptyPseudoClasses = counts.count { $0 == 0 }
    }

    /// The selection of the best round, computed again for the report; nil before the first validation.
    func bestSelection() throws -> RoundSelection? {
        guard classSums != nil, bestRound.round != nil else { return nil }
        return try selection(best.head, best.counts, multipliers: best.multipliers)
    }

    private func selection(
        _ head: Parameters, _ counts: ConfusionCounts, multipliers: [Double]
    ) throws -> RoundSelection {
        let settings = run.job.selmix
        let statistics =
            switch settings.formula {
            case .paper: ConfusionStatistics(smoothing: counts, by: settings.diagonalSmoothing)
            case .reference: ConfusionStatistics(published: counts)
            }
        let gradient = run.objective.gradientTerms(statistics, multipliers: multipliers).gradient(statistics)
        let gain = try GainEstimator(formula: settings.formula).gain(
            GainInput(
                classMeans: classMeans(counts), weight: head.headWeight, bias: head.headBias,
                gradient: gradient, mixRatioMean: settings.mixRatioMean),
            // The workers wait, so all cores of this machine are free for it.
            loop: .threads(BlockLoop.cores))
        guard gain.values.withUnsafeBufferPointer({ smx_all_finite($0.baseAddress!, $0.count) }) else {
            throw SelMixError(
                .failed, "the gains are not finite",
                hint: "the features or the head have extreme values; scale the features")
        }
        let drawn = distribution(gain, settings)
        let distribution = settings.samplerFloor ? drawn.withSamplerFloor() : drawn
        let digest = [gain, distribution.probabilities].reduce(UInt64(0)) { seed, matrix in
            matrix.values.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, seed) }
        }
        return RoundSelection(gain: gain, distribution: distribution, digest: Digest(rawValue: digest))
    }

    private func distribution(_ gain: Matrix<Float>, _ settings: SelMixSettings) -> PairDistribution {
        let temperature = settings.temperature.temperature
        if settings.formula == .reference, settings.policy == .selmix {
            let largest = Double(smx_max(gain.values, gain.values.count))
            guard largest > 0 else { return .uniform(classes: gain.rows, positivePairs: 0) }
            return .published(
                gain: gain, temperature: temperature.value(largestGain: largest),
                floor: PairDistribution.publishedFloor(objective: run.job.objective.name))
        }
        return settings.policy.distribution(
            gain: gain, temperature: temperature, floor: settings.floor, trainCounts: run.trainCounts)
    }

    /// Z [K, d].
    private func classMeans(_ counts: ConfusionCounts) throws -> Matrix<Float> {
        // Asked of every worker until they are there, and refused without them where they are asked for.
        guard let classSums else { preconditionFailure("a selection without class feature sums") }
        var means = [Float](repeating: 0, count: classSums.count)
        for (k, samples) in counts.rowTotals.enumerated() {
            let total = Double(samples)
            for column in k * run.dimension..<(k + 1) * run.dimension {
                means[column] = Float(classSums[column] / total)
            }
        }
        return Matrix(rows: run.classes, columns: run.dimension, values: means)
    }

    // MARK: Steps

    /// Makes the next slice of the weights that follow a step, from contributions that may or may not count in the end.
    ///
    func makeSlice(of step: StepIndex, _ gradients: SliceGradients) throws -> TensorFrame {
        let update = update ?? makeUpdate(step)
        self.update = update
        // Both queues are serial, and a step that is given up forgets its update.
        precondition(update.step == step, "a slice of step \(step) while step \(update.step) is made")
        return try update.makeSlice(gradients)
    }

    /// Forgets the slices that have been made: other contributions count.
    func discardSlices() { update = nil }

    /// Moves the head whose turn it is by one step. The new weights are a new buffer: the old ones may still be on their way to
    /// workers.
    func applyStep(
        _ step: StepIndex, contributions: [TreeNode: KeptContribution]
    ) throws -> (result: StepResult, published: PublishedHead) {
        let update = update ?? makeUpdate(step)
        self.update = nil
        let loss = TreeNode.root(shards: run.job.cluster.shards).reduce({ contributions[$0]?.loss }, add: +)
        while update.next < run.layout.slices.count {
            _ = try update.makeSlice(.byNode(contributions.mapValues { $0.gradient.slices[update.next] }))
        }
        let digests = try update.finish(contributions)
        let nodes = implausible(contributions, update)
        guard nodes.isEmpty else { throw ImplausibleStep(nodes: nodes, error: divergence(step, "the loss is \(loss)")) }
        guard loss.isFinite else { throw divergence(step, "the loss is \(loss)") }
        guard update.gradientIsFinite else { throw divergence(step, "the gradient is not finite") }
        guard update.weightsAreFinite else { throw divergence(step, "a weight is not finite") }
        lastStep = step
        let head = turns.head(of: step)
        headDigests[head] = digests.weights.rawValue
        (heads[head], velocities[head]) = (update.weights, update.velocity)
        losses.append(loss)
        return (
            StepResult(step: step, digest: Digest(rawValue: [Parameters].digest(ofHeads: headDigests)), loss: loss),
            PublishedHead(values: update.published, digest: digests.payload)
        )
    }

    private func implausible(
        _ contributions: [TreeNode: KeptContribution], _ update: StepUpdate
    ) -> [ImplausibleNode] {
        var reasons = contributions.compactMapValues { bounds.complaint(aboutLoss: $0.loss) }
        for node in update.implausible { reasons[node] = reasons[node] ?? GradientBounds.complaintAboutGradient }
        return reasons.sorted { $0.key.lower < $1.key.lower }.map { ImplausibleNode($0, reason: $1) }
    }

    /// Whether what the coordinator computed itself of a step is what its samples give; if not, training has diverged.
    func divergence(_ contribution: Contribution, _ payload: ContributionPayload) -> SelMixError? {
        guard case .gradient(let frames) = payload, case .train(let step) = contribution.work,
            let complaint = bounds.complaint(
                about: frames, loss: contribution.loss, of: contribution.node, run.layout)
        else { return nil }
        return divergence(step, complaint.replacing("its", with: "the", maxReplacements: 1))
    }

    /// How a run ends that has left all bounds.
    private func divergence(_ step: StepIndex, _ what: String) -> SelMixError {
        let settings = run.job.optimizer
        let extreme =
            run.largestFeature.magnitude > 1e4
            ? ", or scale the features: the largest is \(run.largestFeature.told)" : ""
        return SelMixError(
            .failed, "training diverged at step \(step): \(what)",
            hint: "lower `optimizer.learningRate` (\(run.learningRate)) or `optimizer.weightDecay` "
                + "(\(settings.weightDecay))\(extreme)")
    }

    private func makeUpdate(_ step: StepIndex) -> StepUpdate {
        let head = turns.head(of: step)
        let isJudged = turns.endsRound(step, stepsPerRound: run.job.selmix.stepsPerRound)
        return StepUpdate(
            step, after: (heads[head], velocities[head]), optimizer: optimizer, sum: sum,
            shards: run.job.cluster.shards, bounds: bounds,
            publishing: isJudged ? .float32 : run.job.cluster.precision, pool: pool)
    }
}
