import Common
import Foundation
import SelMix
import Synchronization
import Training

/// The baselines that the coordinator's process computes: those that change only what the present head decides, and those
/// that fit a head in one go.
///
/// Whatever is tuned on validation rows is judged on rows that it was not tuned on: rows are dealt to folds, the baseline is
/// tuned once for each fold on all the others, and says what it thinks of that fold. What is written, and judged on test,
/// is then tuned on all rows. That is what SelMix does with `selmix.folds`, so that the figures can be compared.
final class PostHocBaselines {
    let run: PreparedRun
    let folds: FoldPlan
    private let loop: BlockLoop
    private let form: ObjectiveForm
    private let labels: [Int32]
    private let table: LogitTable
    private let train: LabeledFeatures
    private var adjusted: [Candidate]?

    /// A head to choose, and what it says of every validation row.
    private struct Candidate {
        var setting: String
        var value: Double
        var head: Parameters
        var predictions: [Int32]
    }

    private typealias Tuned = (setting: String?, decider: Decider)

    init(_ run: PreparedRun, loop: BlockLoop) throws {
        self.run = run
        self.loop = loop
        form = run.objective.form
        labels = run.validation.labels
        folds = try run.baselineFolds()
        table = try LogitTable(run.validation.features, head: run.head)
        train = try LabeledFeatures(
            run.job.data.train, role: "train", catalog: TensorCatalog(), classes: run.classes,
            dimension: run.dimension, needsEveryClass: true)
    }

    /// - Parameter baseline: one whose source is the coordinator.
    func outcome(_ baseline: Baseline) throws -> BaselineOutcome {
        switch baseline {
        case .inputHead:
            let decider = Decider.head(run.head)
            return try outcome(baseline, nil, decider.predictions(run.validation.features, run), decider)
        case .logitAdjustment: return try crossFitted(baseline) { try self.best(of: self.adjustedHeads(), on: $0) }
        case .tauNormalization:
            let heads = try candidates(normalizedHeads())
            return try crossFitted(baseline) { self.best(of: heads, on: $0) }
        case .weightScaling: return try crossFitted(baseline, scaled)
        case .biasAscent: return try crossFitted(baseline, ascended)
        case .frankWolfe, .minimax: return try crossFitted(baseline, pluggedIn)
        case .lastLayerRetraining: return try retrained()
        case .geometricMeanLoss: return try crossFitted(baseline, geometricMean)
        case .classifierRetraining, .logitAdjustedTraining, .overSmoothing, .uniformMixup, .classBalanced, .resampling:
            preconditionFailure("\(baseline) is trained by the cluster")
        }
    }

    // MARK: Cross-fitting

    private func crossFitted(_ baseline: Baseline, _ tune: ([Int]) throws -> Tuned) throws -> BaselineOutcome {
        let parts = try (0..<folds.folds).map { fold in
            let tuned = try tune(rows(without: fold))
            return (
                rows: folds.heldOut(from: fold), said: try predictions(tuned.decider, on: folds.heldOut(from: fold))
            )
        }
        let tuned = try tune(Array(labels.indices))
        return try outcome(baseline, tuned.setting, RowPredictions(pooling: parts, rows: labels.count), tuned.decider)
    }

    private func outcome(
        _ baseline: Baseline, _ setting: String?, _ validation: RowPredictions, _ decider: Decider
    ) throws -> BaselineOutcome {
        BaselineOutcome(
            baseline: baseline, setting: setting, validation: validation,
            test: try run.test.map { try decider.predictions($0.features, run) }, decider: decider)
    }

    private func rows(without fold: Int) -> [Int] { labels.indices.filter { Int(folds.foldOfRow[$0]) != fold } }

    private func predictions(_ decider: Decider, on rows: [Int]) throws -> RowPredictions {
        guard case .lottery(let scaling, let rule) = decider else {
            return try decider.predictions(run.validation.features, run)
        }
        return try Decider.predictions(of: rows, of: labels.count, table, scaling, rule)
    }

    /// The objective on some rows, and the h-mean that breaks ties.
    private func value(_ predictions: [Int32], on rows: [Int]) -> (Double, Double) {
        var samples = [Double](repeating: 0, count: run.classes)
        var (hits, predicted) = (samples, samples)
        for row in rows {
            let (label, said) = (Int(labels[row]), Int(predictions[row]))
            samples[label] += 1
            predicted[said] += 1
            if label == said { hits[label] += 1 }
        }
        return (
            form.value(hits: hits, samples: samples, predicted: predicted),
            ObjectiveForm(.harmonicMean).value(hits: hits, samples: samples, predicted: predicted)
        )
    }

    // MARK: Heads that are chosen

    private func candidates(_ heads: [(setting: String, value: Double, head: Parameters)]) throws -> [Candidate] {
        try heads.map { setting, value, head in
            let said = try Decider.head(head).predictions(run.validation.features, run)
            return Candidate(setting: setting, value: value, head: head, predictions: said.components[0].classes)
        }
    }

    private func best(of candidates: [Candidate], on rows: [Int]) -> Tuned {
        let best = bestCandidate(candidates, on: rows)
        return (best.setting, .head(best.head))
    }

    /// Ties go to the earlier one.
    private func bestCandidate(_ candidates: [Candidate], on rows: [Int]) -> Candidate {
        var best: (value: (Double, Double), candidate: Candidate)?
        for candidate in candidates {
            let value = value(candidate.predictions, on: rows)
            if best.map({ value > $0.value }) ?? true { best = (value, candidate) }
        }
        guard let best else { preconditionFailure("a choice among no heads") }
        return best.candidate
    }

    /// b - tau log pi, for thirteen values of tau.
    private func adjustedHeads() throws -> [Candidate] {
        if let adjusted { return adjusted }
        let logPriors = LossSettings.logPriors(run.trainCounts)
        let made = try candidates(
            stride(from: 0, through: 3, by: 0.25).map { tau in
                let head = run.head.copy()
                for (k, prior) in logPriors.enumerated() { head["bias"][k] -= Float(tau * prior) }
                return ("tau = \(tau)", tau, head)
            })
        adjusted = made
        return made
    }

    private func normalizedHeads() -> [(setting: String, value: Double, head: Parameters)] {
        stride(from: 0, through: 2, by: 0.1).map { tau in
            let tau = (tau * 10).rounded() / 10
            let head = run.head.copy()
            head["bias"].update(repeating: 0)
            for k in 0..<run.classes {
                let row = k * run.dimension..<(k + 1) * run.dimension
                let squares = row.reduce(0.0) { $0 + Double(head["weight"][$1]) * Double(head["weight"][$1]) }
                let factor = squares > 0 ? Float(pow(squares, -tau / 2)) : 1
                for index in row { head["weight"][index] *= factor }
            }
            return ("tau = \(tau)", tau, head)
        }
    }

    // MARK: Decisions that are tuned

    private func ascended(_ rows: [Int]) throws -> Tuned {
        let tau = bestCandidate(try adjustedHeads(), on: rows).value
        let start = LossSettings.logPriors(run.trainCounts).map { -tau * $0 }
        let found = try BiasAscent(form, labels: labels, rows: rows)(table, from: start)
        let head = run.head.copy()
        for (k, bias) in found.bias.enumerated() { head["bias"][k] += Float(bias) }
        return (nil, .head(head))
    }

    private func pluggedIn(_ rows: [Int]) throws -> Tuned {
        var counts = [Double](repeating: 0.5, count: run.classes)
        for row in rows { counts[Int(labels[row])] += 1 }
        let (total, trainLog) = (counts.reduce(0, +), LossSettings.logPriors(run.trainCounts))
        let scaling = try VectorScaling.fit(
            offsets: zip(counts, trainLog).map { Float(log($0 / total) - $1) }, rows: rows.count
        ) { body in
            try table.forEach(rows) { body(Int(labels[$0]), $1) }
        }
        let probabilities = try ProbabilityRows(table, rows: rows, labels: labels, scaling)
        let rule = try PlugIn(run.objective, classes: run.classes) { try probabilities.counts($0, loop: loop) }
        return (nil, .lottery(scaling, rule))
    }

    // MARK: Heads that are fitted

    /// Training rows that are fitted to beside validation rows: at most ``trainLimit``, as even over classes as can be.
    private lazy var trainRows = train.evenRows(atMost: Self.trainLimit)
    private static let trainLimit = 30_000

    private func scaled(_ rows: [Int]) throws -> Tuned {
        let factors = try ScaleFit.factors(
            [(try trainTable(), train.labels, trainRows), (table, labels, rows)], classes: run.classes)
        let head = run.head.copy()
        for (k, factor) in factors.enumerated() {
            for index in k * run.dimension..<(k + 1) * run.dimension { head["weight"][index] *= factor }
            head["bias"][k] *= factor
        }
        return (nil, .head(head))
    }

    private var madeTrainTable: LogitTable?
    private func trainTable() throws -> LogitTable {
        if let madeTrainTable { return madeTrainTable }
        let made = try LogitTable(train.features, head: run.head)
        madeTrainTable = made
        return made
    }

    private func geometricMean(_ rows: [Int]) throws -> Tuned {
        let all = BalancedRows([(train, trainRows), (run.validation, rows)])
        let total = Double(all.classCounts.reduce(0, +))
        let offsets = all.classCounts.map { Float(log(max(Double($0), 0.5) / total)) }
        let head = try HeadFit(.geometricMean(offsets: offsets), penalty: Self.geometricMeanPenalty)(
            all, towards: run.head, from: run.head, loop: loop)
        return (nil, .head(head))
    }

    private static let geometricMeanPenalty = 1e-3
    private static let retrainingPenalties = [0.1, 0.01, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6]

    /// Last-layer retraining. For every penalty, from the strongest, a head for each fold; each fold then takes the penalty
    /// that is best on the rows of the other folds, as their own heads see them.
    private func retrained() throws -> BaselineOutcome {
        let centre = bestCandidate(try adjustedHeads(), on: Array(labels.indices)).head
        let ofFolds = (0..<folds.folds).map { BalancedRows([(run.validation, rows(without: $0))]) }
        var starts = ofFolds.map { _ in centre }
        var pooled: [[Int32]] = []
        for penalty in Self.retrainingPenalties {
            var said = [Int32](repeating: 0, count: labels.count)
            for (fold, own) in ofFolds.enumerated() {
                starts[fold] = try HeadFit(.crossEntropy, penalty: penalty, maximalIterations: 200)(
                    own, towards: centre, from: starts[fold], loop: loop)
                let all = try Decider.head(starts[fold]).predictions(run.validation.features, run)
                for row in folds.heldOut(from: fold) { said[row] = all.components[0].classes[row] }
            }
            pooled.append(said)
        }
        func bestPenalty(on rows: [Int]) -> Int {
            pooled.indices.max { value(pooled[$0], on: rows) < value(pooled[$1], on: rows) }!
        }
        var validation = [Int32](repeating: 0, count: labels.count)
        for fold in 0..<folds.folds {
            let chosen = bestPenalty(on: rows(without: fold))
            for row in folds.heldOut(from: fold) { validation[row] = pooled[chosen][row] }
        }
        let penalty = Self.retrainingPenalties[bestPenalty(on: Array(labels.indices))]
        let head = try HeadFit(.crossEntropy, penalty: penalty, maximalIterations: 200)(
            BalancedRows([(run.validation, Array(labels.indices))]), towards: centre, from: centre, loop: loop)
        return try outcome(
            .lastLayerRetraining, "penalty \(penalty)", RowPredictions(validation), .head(head))
    }
}

extension PreparedRun {
    /// The deal of validation rows by which baselines are tuned and judged.
    func baselineFolds() throws -> FoldPlan {
        let most = validation.classCounts.max() ?? 1
        return try FoldPlan(
            labels: validation.labels, classes: classes, folds: min(Self.baselineFoldCount, most), seed: job.seed)
    }

    private static let baselineFoldCount = 4
}

extension LabeledFeatures {
    /// At most `limit` rows, as even over the classes as can be; a class's rows are spread evenly over all that it has.
    func evenRows(atMost limit: Int) -> [Int] {
        let counts = classCounts
        var (low, high) = (1, counts.max() ?? 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if counts.reduce(0, { $0 + min($1, middle) }) <= limit { low = middle } else { high = middle - 1 }
        }
        var seen = [Int](repeating: 0, count: classes)
        return labels.indices.filter { row in
            let label = Int(labels[row])
            let (position, taken) = (seen[label], min(counts[label], low))
            seen[label] += 1
            return (position + 1) * taken / counts[label] > position * taken / counts[label]
        }
    }
}
