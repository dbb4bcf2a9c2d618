import Common
import Foundation
import SelMix
import Training

/// What a job's data set looks like, and what of it a run would refuse.
///
/// One pass over the features in their mapped files; only the labels are in memory.
public struct DataDescription: Sendable, Encodable {
    public var name: String
    public var classes: Int
    public var dimension: Int
    public var splits: [SplitDescription]
    /// The job's division of the classes by training frequency.
    public var head: ClassGroupDescription?
    public var tail: ClassGroupDescription?
    /// How many classes have how many training samples.
    public var classSizeHistogram: [HistogramBin]
    /// Classes with so few validation rows that their recall is hardly measured.
    public var scarceClasses: [Int]
    /// What `train` would refuse, or what cannot be meant.
    public var problems: [String]

    public struct ClassGroupDescription: Sendable, Encodable {
        public var classes: Int
        public var trainSamples: Int
        public var largest: Int
        public var smallest: Int
    }

    public struct HistogramBin: Sendable, Encodable, Equatable {
        public var from: Int
        public var to: Int
        public var classes: Int
    }

    /// - Throws: `invalidInput` when a file is missing, or shapes and labels do not fit together.
    public init(_ job: Job) throws {
        let threads = ProcessInfo.processInfo.activeProcessorCount
        let catalog = TensorCatalog()
        let layout = try PreparedRun.head(job.head, catalog: catalog).layout
        let (classes, dimension) = (layout["weight"].shape[0], layout["weight"].shape[1])
        (name, self.classes, self.dimension) = (job.name, classes, dimension)

        var sizes: [Int] = []
        var validationSizes: [Int]?
        var splits: [SplitDescription] = []
        var features: [(name: String, features: StoredTensor)] = []
        let named: [(String, SplitFiles?)] = [
            ("train", job.data.train), ("validation", job.data.validation), ("test", job.data.test),
        ]
        for (role, files) in named {
            guard let files else { continue }
            let split = try LabeledFeatures(
                files, role: role, catalog: catalog, classes: classes, dimension: dimension, needsEveryClass: false)
            if role == "train" { sizes = split.classCounts }
            features.append((role, split.features))
            if role == "validation" { validationSizes = split.classCounts }
            splits.append(SplitDescription(role, split.features, counts: split.classCounts, threads: threads))
        }
        let unlabeled = try StoredTensor.unlabeled(job, catalog: catalog, dimension: dimension)
        if let unlabeled { splits.append(SplitDescription("unlabeled", unlabeled, counts: nil, threads: threads)) }
        self.splits = splits
        if let split = try? job.objective.split(trainCounts: sizes) {
            head = Self.group(split.head, sizes: sizes)
            tail = Self.group(split.tail, sizes: sizes)
        }
        classSizeHistogram = Self.histogram(sizes)
        if let unlabeled { features.insert(("unlabeled", unlabeled), at: 1) }
        problems = Self.problems(splits) + SharedRows.found(in: features).map(\.description)
        if let forgotten = PreparedRun.forgottenBias(of: job.head, catalog: catalog) { problems.append(forgotten) }
        scarceClasses =
            validationSizes.map { sizes in
                sizes.indices.filter { (1..<RunReport.fewestToMeasure).contains(sizes[$0]) }
            } ?? []
    }

    private static func group(_ members: [Int], sizes: [Int]) -> ClassGroupDescription {
        let sizes = members.map { sizes[$0] }
        return ClassGroupDescription(
            classes: sizes.count, trainSamples: sizes.reduce(0, +), largest: sizes.max() ?? 0,
            smallest: sizes.min() ?? 0)
    }

    /// Bins that begin at 1, 2, 5, 10, 20, 50 and so on; those at either end that hold nothing are left out.
    static func histogram(_ sizes: [Int]) -> [HistogramBin] {
        guard let largest = sizes.max(), let smallest = sizes.min() else { return [] }
        var (starts, decade) = ([0], 1)
        while starts.last! <= largest {
            starts += [decade, 2 * decade, 5 * decade]
            decade *= 10
        }
        return zip(starts, starts.dropFirst()).map { from, next in
            HistogramBin(from: from, to: next - 1, classes: sizes.count { (from..<next).contains($0) })
        }.filter { $0.to >= smallest && $0.from <= largest }
    }

    private static func problems(_ splits: [SplitDescription]) -> [String] {
        var problems: [String] = []
        for split in splits {
            if let row = split.firstNonFiniteRow {
                problems.append(
                    "\(split.name): \(split.nonFiniteRows) rows hold a NaN or an infinity, the first is row \(row)")
            }
            if split.zeroRows > 0 { problems.append("\(split.name): \(split.zeroRows) rows are all zeros") }
            if split.name == "train" || split.name == "validation", let missing = split.missingClasses.first {
                problems.append(
                    "\(split.name): \(split.missingClasses.count) classes have no sample, the first is class \(missing)"
                )
            }
        }
        let train = splits.first { $0.name == "train" }?.meanNorm ?? 0
        for split in splits where train > 0 && split.name != "train" {
            let ratio = split.meanNorm / train
            guard !(0.5...2).contains(ratio) else { continue }
            problems.append(
                "\(split.name): the features' mean norm is \(String(format: "%.2g", ratio)) times that of train: were they made "
                    + "alike?")
        }
        return problems
    }
}
