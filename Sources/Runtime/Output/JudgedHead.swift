import Common
import Coordination
import Foundation
import SelMix
import Training

/// What a head is worth on a job's validation and test splits, and whether the first of these figures is a forecast.
public struct JudgedHead: Sendable {
    /// What the validation rows were to the head.
    public enum ValidationRows: String, Sendable, Codable {
        /// It was not trained on them, or nothing says that it was.
        case unseen
        /// It was, and each row is judged by that head of its run which was not.
        case outOfFold = "out of fold"
        /// It was, and the run's other heads are not beside it: the figures are too good.
        case trainedOn = "trained on"
    }

    public let validationRows: ValidationRows
    public let validation: Metrics
    public let test: Metrics?

    /// Judges the head that the job names.
    ///
    /// - Parameter file: where it came from; nil for the job's own. A cross-fitted run leaves its heads beside it.
    public init(of run: PreparedRun, file: String?) throws {
        (validationRows, validation) = try Self.validation(of: run, file: file)
        test = try run.test.map { run.metrics(try run.evaluate(run.head, on: $0)) }
    }

    /// Nil, or why the figures on validation forecast nothing.
    public var warning: String? {
        validationRows == .trainedOn
            ? "the head was trained on these validation rows, so that their figures are no forecast; a run's own, out of fold, "
                + "are given where \(RunDirectory.Name.folds) is beside the head" : nil
    }

    private static func validation(of run: PreparedRun, file: String?) throws -> (ValidationRows, Metrics) {
        func bare(_ rows: ValidationRows) throws -> (ValidationRows, Metrics) {
            (rows, run.metrics(try run.evaluate(run.head, on: run.validation)))
        }
        guard let file, try HeadFile.isTrained(file, on: run.validation) else { return try bare(.unseen) }
        let beside = URL(fileURLWithPath: file).deletingLastPathComponent().path + "/" + RunDirectory.Name.folds
        guard FileManager.default.fileExists(atPath: beside) else { return try bare(.trainedOn) }
        let folds = try FoldsFile(beside)
        guard folds.validation == run.validation.digest.hexadecimal, folds.plan.foldOfRow.count == run.validation.count,
            folds.heads.mean.digest == run.head.digest
        else { return try bare(.trainedOn) }
        let predictions = try run.outOfFold(folds.heads, plan: folds.plan)
        return (.outOfFold, run.metrics(predictions.counts(labels: run.validation.labels, classes: run.classes)))
    }
}
