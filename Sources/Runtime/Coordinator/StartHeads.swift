import CKernels
import Common
import Foundation
import SelMix
import Training

/// The heads from which a run's training starts, one for each fold.
///
/// Logit adjustment subtracts tau log pi from the bias, so one pass over the validation rows gives the predictions under
/// every tau that is tried. Head f takes the tau that is best for the objective on the rows that it may see; with one fold
/// there are no others, and it takes the one that is best on all. Ties go to the smaller tau.
struct StartHeads {
    let heads: [Parameters]
    /// The tau of each head; empty where the job starts in another way.
    let adjustments: [Double]

    /// The taus that are tried.
    static let candidates = Array(stride(from: 0.0, through: 3, by: 0.25))

    init(_ run: PreparedRun) throws {
        switch run.job.selmix.start {
        // A head without a bias has nothing to adjust: it is trained, saved and put back into the network without one.
        case .brought, .file,
            .adjusted where run.layout["bias"].isFixed:
            heads = Array(repeating: run.startHead ?? run.head, count: run.folds.folds)
            adjustments = []
        case .adjusted:
            let logPriors = LossSettings.logPriors(run.trainCounts)
            let predictions = try Self.predictions(run, logPriors)
            adjustments = (0..<run.folds.folds).map { fold in
                let values = predictions.map { run.objective.value(Self.statistics(run, $0, seenBy: fold)) }
                return Self.candidates[values.firstIndex(of: values.max()!)!]
            }
            heads = adjustments.map { run.head.adjusted(by: $0, logPriors) }
        }
    }

    /// The predicted class of each validation row, for each tau.
    private static func predictions(_ run: PreparedRun, _ logPriors: [Double]) throws -> [[Int32]] {
        var predictions = candidates.map { _ in [Int32](repeating: 0, count: run.validation.count) }
        let offsets = candidates.map { tau in logPriors.map { Float(tau * $0) } }
        var scores = [Float](repeating: 0, count: run.classes)
        try HeadEvaluation(classes: run.classes, dimension: run.dimension).classify(
            run.validation.features, rows: Array(0..<run.validation.count), weights: run.head
        ) { row, _, logits in
            for (candidate, offset) in offsets.enumerated() {
                for k in scores.indices { scores[k] = logits[k] - offset[k] }
                predictions[candidate][row] = Int32(smx_argmax(scores, run.classes))
            }
        }
        return predictions
    }

    private static func statistics(_ run: PreparedRun, _ predictions: [Int32], seenBy fold: Int) -> ConfusionStatistics
    {
        var counts = ConfusionCounts(classes: run.classes)
        for (row, predicted) in predictions.enumerated()
        where run.folds.folds == 1 || run.folds.foldOfRow[row] != fold {
            counts.add(true: Int(run.validation.labels[row]), predicted: Int(predicted))
        }
        return ConfusionStatistics(counts)
    }
}

extension Parameters {
    /// Logit adjustment of a linear head: b - tau log pi.
    func adjusted(by tau: Double, _ logPriors: [Double]) -> Parameters {
        let head = copy()
        for (k, prior) in logPriors.enumerated() { head["bias"][k] -= Float(tau * prior) }
        return head
    }
}
