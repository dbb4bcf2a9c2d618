import CKernels
import Common
import Coordination
import Foundation
import SelMix
import Training

/// A job whose data have been read and found good: everything that can be wrong with it has been said by the time this
/// exists, before any process is started or any file is written.
public struct PreparedRun: Sendable {
    public internal(set) var job: Job
    public let classes: Int
    public let dimension: Int
    public let layout: ParameterLayout
    /// The head as brought.
    public let head: Parameters
    /// The head that the job names to start from; nil where it names none.
    let startHead: Parameters?
    /// Rows that are equal; looked for only where validation rows are trained on.
    let twins: RowTwins
    /// Which validation rows each head is judged by.
    public let folds: FoldPlan
    /// The optimiser's largest rate, resolved.
    public let learningRate: Double
    public let validation: LabeledFeatures
    public let test: LabeledFeatures?
    /// Features without labels, in the semi-supervised setting.
    public let unlabeled: StoredTensor?
    /// Of all that samples are mixed from.
    public let largestFeature: LargestFeature
    /// The classes by which they are drawn, where the job gives these; nil where they are predicted.
    public let unlabeledClasses: [Int32]?
    /// Training samples per class, [K].
    public let trainCounts: [Int]
    public let split: ClassSplit
    /// The job's groups of classes, if it has any.
    public let groups: ClassGroups?
    public let objective: any Objective
    public let timing: Timing
    public let instructionSet: String
    public let probe: Digest
    /// Of the settings that decide the result, and of every tensor's type, shape and bytes.
    public let configurationDigest: Digest
    /// What is probably not meant, though a run can be made of it.
    public let warnings: [String]

    public init(_ job: Job) throws {
        self.job = job
        timing = try Timing(
            failureTimeout: .seconds(job.cluster.failureTimeout), orphanTimeout: .seconds(job.cluster.orphanTimeout))
        let catalog = TensorCatalog()
        head = try Self.head(job.head, catalog: catalog)
        layout = head.layout
        let shape = layout["weight"].shape
        (classes, dimension) = (shape[0], shape[1])
        startHead = try job.selmix.start.head.map { try Self.head($0, catalog: catalog) }
        if let startHead, startHead.layout != layout {
            throw SelMixError(
                .invalidInput,
                "selmix.start has a head of shape \(startHead.layout["weight"].shape), and head.weight is \(shape)",
                hint: "start from a head of the same classes and features")
        }

        var splits: [LabeledFeatures] = []
        var largest: [LargestFeature] = []
        let named: [(String, SplitFiles?)] = [
            ("train", job.data.train), ("validation", job.data.validation), ("test", job.data.test),
        ]
        for (role, files) in named {
            guard let files else { continue }
            let split = try LabeledFeatures(
                files, role: role, catalog: catalog, classes: classes, dimension: dimension,
                needsEveryClass: role != "test")
            largest.append(try split.features.checkFinite(role: role))
            splits.append(split)
        }
        unlabeled = try StoredTensor.unlabeled(job, catalog: catalog, dimension: dimension)
        largestFeature =
            [largest[0], job.selmix.folds > 1 ? largest[1] : nil, try unlabeled?.checkFinite(role: "unlabeled")]
            .compactMap { $0 }
            .max { $0.magnitude < $1.magnitude } ?? largest[0]
        unlabeledClasses = try Self.unlabeledClasses(job, catalog: catalog, classes: classes, dimension: dimension)
        let train = splits[0]
        validation = splits[1]
        test = splits.count > 2 ? splits[2] : nil
        trainCounts = train.classCounts
        twins = job.selmix.folds > 1 ? try .between(validation, train) : .none
        folds = try job.folds(of: validation, twins: twins)
        if folds.folds > 1, let test { try validation.checkDiffers(from: test) }
        learningRate = job.optimizer.learningRate.value(
            meanSquaredNorm: job.optimizer.learningRate == .auto
                ? FeatureScan(train.features, threads: BlockLoop.cores).meanSquaredNorm : 1,
            folds: folds.folds)
        split = try job.objective.split(trainCounts: trainCounts)
        groups = try job.objective.classGroups(classes: classes)
        objective = try job.objective.objective(split: split)

        instructionSet = job.cluster.instructionSet ?? InstructionSet.best
        do {
            try InstructionSet.use(instructionSet)
        } catch let error as SelMixError where error.code == .cluster {
            // Here it is this machine and this job file; the same error at a worker is the cluster's.
            throw SelMixError(.invalidInput, error.message, hint: error.hint)
        }
        guard job.cluster.precision.isNative(in: instructionSet) else {
            throw SelMixError(
                .invalidInput, "the instruction set \(instructionSet) has no products of \(job.cluster.precision)",
                hint: "set `cluster.precision: float32`, or use machines with avx512_core_bf16")
        }
        probe = Digest(rawValue: try InstructionSet.probe())

        // A head without a bias is another one than with zeros.
        var features = named.compactMap { $0.1 == nil ? nil : $0.0 }.enumerated().map { ($1, splits[$0].features) }
        if let unlabeled { features.insert(("unlabeled", unlabeled), at: 1) }
        warnings =
            SharedRows.found(in: features).map(\.description)
            + (Self.forgottenBias(of: job.head, catalog: catalog).map { [$0] } ?? [])

        var digests: [UInt64] = [layout.entries.reduce(head.digest) { $0 ^ UInt64($1.isFixed ? 0 : $1.count) }]
        for split in splits {
            digests.append(split.features.digest())
            digests.append(split.labels.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) })
        }
        if let unlabeled { digests.append(unlabeled.digest()) }
        if let unlabeledClasses {
            digests.append(unlabeledClasses.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) })
        }
        if let startHead { digests.append(startHead.digest) }
        let text = job.configurationJSON + instructionSet + digests.map(\.hexadecimal).joined()
        configurationDigest = Digest(
            rawValue: Array(text.utf8).withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) })
        try MappedFiles.checkIntact()
    }

    private static func unlabeledClasses(
        _ job: Job, catalog: TensorCatalog, classes: Int, dimension: Int
    ) throws -> [Int32]? {
        guard job.selmix.pseudoLabels == .given, let files = job.data.unlabeled, let labels = files.labels else {
            return nil
        }
        return try LabeledFeatures(
            SplitFiles(features: files.features, labels: labels), role: "unlabeled", catalog: catalog,
            classes: classes, dimension: dimension, needsEveryClass: false
        ).labels
    }

    /// The head's two tensors, by the job file's references.
    static func head(_ files: HeadFiles, catalog: TensorCatalog) throws -> Parameters {
        try Parameters(
            weight: catalog.tensor(for: TensorReference(parsing: files.weight)),
            bias: files.bias.map { try catalog.tensor(for: TensorReference(parsing: $0)) })
    }

    /// A job without `head.bias` whose file holds one all the same, beside the weight.
    static func forgottenBias(of files: HeadFiles, catalog: TensorCatalog) -> String? {
        guard files.bias == nil, let reference = try? TensorReference(parsing: files.weight),
            let weight = try? catalog.tensor(for: reference), weight.name.hasSuffix("weight")
        else { return nil }
        var beside = reference
        beside.tensor = weight.name.dropLast("weight".count) + "bias"
        guard let bias = try? catalog.tensor(for: beside), bias.shape == [weight.shape[0]] else { return nil }
        return "head: no bias is trained, as `head.bias` is left out, but there is \(bias.source)"
    }

    /// The metrics of counts, with this job's head, tail and groups.
    public func metrics(_ counts: ConfusionCounts) -> Metrics { Metrics(counts, split: split, groups: groups) }

    /// The same of expected counts.
    public func metrics(_ counts: MixedCounts) -> Metrics {
        Metrics(counts, split: split, groups: groups)
    }

    /// Confusion counts of a head over a whole split, computed here.
    public func evaluate(_ head: Parameters, on split: LabeledFeatures) throws -> ConfusionCounts {
        var counts = ConfusionCounts(classes: classes)
        try HeadEvaluation(classes: classes, dimension: dimension).add(
            split, shard: ShardID(0), of: 1, weights: head, counts: &counts)
        try MappedFiles.checkIntact()
        return counts
    }
}
