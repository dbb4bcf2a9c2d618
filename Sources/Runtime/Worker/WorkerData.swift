import Common
import Coordination
import Foundation
import SelMix
import Training

/// What a worker needs of the job, mapped and checked: the training and validation splits and the head's shape.
struct WorkerData: Sendable {
    let job: Job
    let layout: ParameterLayout
    let classes: Int
    let dimension: Int
    let validation: LabeledFeatures
    let trainFeatures: StoredTensor
    let folds: FoldPlan
    let turns: FoldTurns
    /// How the samples of each head are drawn and mixed, by fold.
    let mixed: [MixedBatch]
    let loss: LossTerms
    /// Features without labels, in the semi-supervised setting.
    let unlabeled: StoredTensor?

    /// - Throws: when a file is missing or is not what the job says, with what to do about it.
    ///
    /// - Parameter twins: equal rows, as the coordinator found them.
    init(job: Job, twins: RowTwins = .none) throws {
        let catalog = TensorCatalog()
        let weight = try catalog.tensor(for: TensorReference(parsing: job.head.weight))
        guard weight.shape.count == 2 else {
            throw SelMixError(.invalidInput, "head.weight \(weight.source) has shape \(weight.shape)")
        }
        classes = weight.shape[0]
        dimension = weight.shape[1]
        layout = .linearHead(classes: classes, dimension: dimension, hasBias: job.head.bias != nil)
        self.job = job
        validation = try LabeledFeatures(
            job.data.validation, role: "validation", catalog: catalog, classes: classes, dimension: dimension)
        let train = try LabeledFeatures(
            job.data.train, role: "train", catalog: catalog, classes: classes, dimension: dimension)
        trainFeatures = train.features
        try twins.check(validationRows: validation.count, trainRows: train.count)
        let folds = try job.folds(of: validation, twins: twins)
        mixed = (0..<folds.folds).map { [validation] fold in
            MixedBatch(
                TrainingPool(
                    train, validation, heldOut: folds, fold: fold, equals: twins.withTraining,
                    shards: job.cluster.shards),
                rule: job.selmix.mixRule, seed: job.seed)
        }
        (self.folds, turns) = (folds, FoldTurns(heads: folds.folds))
        unlabeled = try StoredTensor.unlabeled(job, catalog: catalog, dimension: dimension)
        loss = job.loss.terms(trainCounts: train.classCounts)
    }
}

extension Job {
    /// How the validation rows are dealt to this job's folds.
    func folds(of validation: LabeledFeatures, twins: RowTwins) throws -> FoldPlan {
        try FoldPlan(
            labels: validation.labels, classes: validation.classes, folds: selmix.folds,
            twins: twins.withinValidation.reduce(into: [:]) { $0[$1.row] = $1.other }, seed: seed)
    }
}

extension LabeledFeatures {
    /// A split as the job file names it.
    init(
        _ files: SplitFiles, role: String, catalog: TensorCatalog, classes: Int, dimension: Int,
        needsEveryClass: Bool = true
    ) throws {
        do {
            self = try LabeledFeatures(
                features: catalog.tensor(for: TensorReference(parsing: files.features)),
                labels: catalog.tensor(for: TensorReference(parsing: files.labels)), classes: classes,
                dimension: dimension, role: role, needsEveryClass: needsEveryClass)
        } catch let error as SelMixError where !error.message.hasPrefix("data.") {
            throw error.within("data.\(role)")
        }
    }
}

extension StoredTensor {
    /// The job's unlabelled features, if it has any.
    static func unlabeled(_ job: Job, catalog: TensorCatalog, dimension: Int) throws -> StoredTensor? {
        guard let files = job.data.unlabeled else { return nil }
        let features = try catalog.tensor(for: TensorReference(parsing: files.features))
        try features.checkFeatures(dimension: dimension, role: "unlabeled")
        return features
    }
}
