import Common
import Coordination
import Foundation
import SelMix
import Synchronization
import Training

/// Makes a data set up: features and labels, a head that was trained on them the plain way, and a job file to fine-tune it.
///
/// Everything is written to a folder aside, which takes its name in the end: a set that is there is whole.
public struct Synthesis: Sendable {
    public var profile: SyntheticProfile
    public var dataType = DataType.float32
    public var seed: UInt64 = 0
    /// Of the head's training.
    public var epochs = 10
    /// The folder to make.
    public let output: String

    private let threads = ProcessInfo.processInfo.activeProcessorCount

    public init(_ profile: SyntheticProfile, output: String) {
        self.profile = profile
        self.output = URL(fileURLWithPath: output).path
    }

    private enum Name {
        static let data = "data.safetensors"
        static let head = "head.safetensors"
        static let job = "job.yaml"
    }

    /// What is done at the moment, and the part of it that is done already.
    public typealias Progress = @Sendable (_ phase: String, _ fraction: Double) -> Void

    /// - Throws: `usage` for figures that contradict each other, `failed` when the output is there already or the disk
    ///   refuses, `interrupted` at SIGINT or SIGTERM; nothing is left then.
    public func callAsFunction(progress: @escaping Progress = { _, _ in }) throws -> SynthesisReport {
        let set = try SyntheticDataSet(profile, dataType: dataType, seed: seed)
        let parent = URL(fileURLWithPath: output).deletingLastPathComponent().path
        try checkOutput()
        try makeFolder(parent)
        try checkSpace(for: set, at: parent)
        try InstructionSet.use(InstructionSet.best)

        let stop = StopFlag()
        let signals = StopSignals { _ in stop.raise() }
        defer { signals.release() }
        let aside = "\(parent)/.selmix-\(getpid()).partial"
        try? FileManager.default.removeItem(atPath: aside)
        do {
            try makeFolder(aside)
            let report = try fill(aside, with: set) { phase, fraction in
                try stop.check()
                progress(phase, fraction)
            }
            guard rename(aside, output) == 0 else {
                throw cannotMake(output, cause: String(cString: strerror(errno)))
            }
            return report
        } catch {
            try? FileManager.default.removeItem(atPath: aside)
            throw error
        }
    }

    private func fill(
        _ folder: String, with set: SyntheticDataSet,
        progress: @escaping @Sendable (_ phase: String, _ fraction: Double) throws -> Void
    ) throws -> SynthesisReport {
        let start = SystemClock.now
        let samples = Double(set.sampleCount)
        try set.write(
            to: "\(folder)/\(Name.data)", threads: threads,
            metadata: ["selmix": Version.current, "profile": profile.name.rawValue, "seed": "\(seed)"]
        ) {
            try progress("features", Double($0) / samples)
        }
        let written = SystemClock.now

        let file = try TensorFile.open("\(folder)/\(Name.data)")
        func split(_ split: SyntheticSplit) throws -> LabeledFeatures {
            try LabeledFeatures(
                features: file.tensor("\(split.prefix).features"), labels: file.tensor("\(split.prefix).labels"),
                classes: profile.classes, dimension: profile.dimension, role: split.prefix, needsEveryClass: true)
        }
        let head = try PlainHead(epochs: epochs, seed: seed).train(on: split(.train), threads: threads) { done, total in
            try progress("head", Double(done) / Double(total))
        }
        try HeadFile.write(head, to: "\(folder)/\(Name.head)")
        try AtomicFile.write(to: "\(folder)/\(Name.job)") { sink in
            try Array(job(set).text.utf8).withUnsafeBytes { try sink.write($0) }
        }
        let recalls = try recalls(of: head, on: split(.validation))
        let tail = try ClassSplit(trainCounts: set.classSizes, tailFraction: ObjectiveSettings.defaultTailFraction)
        return SynthesisReport(
            output: output, job: "\(output)/\(Name.job)", profile: profile, seed: seed, dataType: dataType.rawValue,
            samples: Dictionary(
                uniqueKeysWithValues: set.splits.map { ($0.prefix, set.sizes($0).reduce(0, +)) }),
            bytes: set.featureBytes, featureSeconds: (written - start).seconds,
            headSeconds: (SystemClock.now - written).seconds, meanRecall: mean(recalls, of: Array(recalls.indices)),
            headRecall: mean(recalls, of: tail.head), tailRecall: mean(recalls, of: tail.tail))
    }

    /// A job that runs as it is.
    private func job(_ set: SyntheticDataSet) -> JobDraft {
        func files(_ split: SyntheticSplit) -> SplitFiles {
            SplitFiles(
                features: "\(Name.data)#\(split.prefix).features", labels: "\(Name.data)#\(split.prefix).labels")
        }
        let train = set.classSizes.reduce(0, +)
        return JobDraft(
            comments: [
                "Made-up data of the shape `\(profile.name.rawValue)`, seed \(seed): \(profile.classes) classes, \(train) training "
                    + "samples,",
                "\(profile.largest) down to \(profile.smallest) a class. Made by `selmix data synthesize`.",
            ],
            name: URL(fileURLWithPath: output).lastPathComponent,
            data: DataFiles(
                train: files(.train), validation: files(.validation),
                test: set.splits.contains(.test) ? files(.test) : nil),
            head: HeadFiles(weight: "\(Name.head)#weight", bias: "\(Name.head)#bias"),
            objective: "min-head-tail-recall", rounds: 24, stepsPerRound: 25, learningRate: 0.01,
            batch: JobDraft.batch(samples: train), output: "run")
    }

    /// The recall of each class, [K].
    private func recalls(of head: Parameters, on data: LabeledFeatures) throws -> [Double] {
        let predictions = try HeadEvaluation(classes: data.classes, dimension: data.dimension).predict(
            data.features, shard: ShardID(0), of: 1, weights: head)
        var hits = [Int](repeating: 0, count: data.classes)
        for (label, prediction) in zip(data.labels, predictions) where label == prediction { hits[Int(label)] += 1 }
        return zip(hits, data.classCounts).map { Double($0) / Double($1) }
    }

    private func mean(_ recalls: [Double], of classes: [Int]) -> Double {
        classes.reduce(0) { $0 + recalls[$1] } / Double(classes.count)
    }

    // MARK: The disk

    private func checkOutput() throws {
        guard let content = try? FileManager.default.contentsOfDirectory(atPath: output) else {
            guard !FileManager.default.fileExists(atPath: output) else {
                throw SelMixError(.failed, "\(output) is a file", hint: "choose another --output")
            }
            return
        }
        guard content.isEmpty else {
            throw SelMixError(
                .failed, "\(output) is not empty", hint: "choose another --output, or move that folder away")
        }
    }

    private func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw cannotMake(path, cause: SelMixError.systemText(of: error))
        }
    }

    private func cannotMake(_ path: String, cause: String) -> SelMixError {
        SelMixError(.failed, "the folder \(path) cannot be made", hint: "choose another --output", cause: cause)
    }

    /// Said before anything is written, rather than after minutes.
    private func checkSpace(for set: SyntheticDataSet, at folder: String) throws {
        var system = statvfs()
        guard statvfs(folder, &system) == 0 else { return }
        let free = Int(system.f_bavail) * Int(system.f_frsize)
        let needed = set.featureBytes + 8 * set.sampleCount + 4 * profile.classes * (profile.dimension + 1) + (1 << 16)
        guard free < needed else { return }
        throw SelMixError(
            .failed, "\(folder) has \(ByteCount.text(free)) free, and the data set needs \(ByteCount.text(needed))",
            hint: "choose another --output, fewer --classes, or --type float16")
    }
}
