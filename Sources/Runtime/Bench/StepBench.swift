import Common
import Foundation
import Logging
import SelMix
import Training

/// Steps of a production run, a coordinator and worker processes over ipc with digests and event log, on made-up data of a
/// given shape.
public struct StepBench: Sendable, Encodable {
    public struct Settings: Sendable, Encodable {
        /// K, d, B, V.
        public var classes = 1000, dimension = 2048, batch = 1024, shards = 8
        public var workers = 2
        /// F: heads that take turns.
        public var folds = 1
        public var precision = Precision.float32
        public var reduction = ClusterSettings.Reduction.coordinator
        /// Training samples, of `dimension` float32 features each.
        public var samples = 32_768
        public var steps = 400

        public init() {}
    }

    public var settings: Settings
    /// Over all steps, without validations and selections.
    public var samplesPerSecond: Double
    public var stepMilliseconds: Double
    /// Of the last step's weights: the same for any number of workers.
    public var weightsDigest: String

    /// - Parameter program: the path of the `selmix` executable that the workers run.
    public static func run(_ settings: Settings, program: String, log: Logger) async throws -> StepBench {
        let folder = FileManager.default.temporaryDirectory.appending(path: "selmix-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appending(path: "data.safetensors").path
        try write(settings, to: data)

        func split(_ name: String) -> SplitFiles {
            SplitFiles(features: "\(data)#\(name).features", labels: "\(data)#\(name).labels")
        }
        var job = Job(
            name: "bench", data: DataFiles(train: split("train"), validation: split("validation")),
            head: HeadFiles(weight: "\(data)#weight", bias: "\(data)#bias"),
            objective: ObjectiveSettings(name: "mean-recall"), output: folder.appending(path: "run").path)
        job.batch = settings.batch
        job.cluster.shards = settings.shards
        job.cluster.precision = settings.precision
        job.cluster.reduction = settings.reduction
        job.selmix.folds = settings.folds
        job.selmix.rounds = 2
        job.selmix.stepsPerRound = (settings.steps + 1) / 2
        let train = LocalTraining(workers: settings.workers, program: program, display: .quiet)
        let report = try await train(PreparedRun(job), log: log)
        return StepBench(
            settings: settings, samplesPerSecond: report.samplesPerSecond,
            stepMilliseconds: Double(settings.batch) / report.samplesPerSecond * 1000,
            weightsDigest: report.weightsDigest)
    }

    private static func write(_ settings: Settings, to path: String) throws {
        let (classes, dimension) = (settings.classes, settings.dimension)
        let validation = max(2, settings.folds) * classes
        /// Values of one seed, repeated with a prime period so that rows differ.
        func features(_ rows: Int, lane: UInt32) -> AlignedBuffer {
            let values = BenchData.matrix(rows: 1, columns: 1_000_003, scale: 1, lane: lane).values
            let buffer = AlignedBuffer(byteCount: rows * dimension * 4)
            let floats = buffer.floats()
            var start = 0
            while start < floats.count {
                let count = min(values.count, floats.count - start)
                _ = UnsafeMutableBufferPointer(rebasing: floats[start..<start + count]).update(from: values)
                start += count
            }
            return buffer
        }
        func labels(_ rows: Int) -> [Int64] { (0..<rows).map { Int64($0 % classes) } }
        try SafetensorsWriter.write(
            [
                TensorContent(
                    name: "train.features", dataType: .float32, shape: [settings.samples, dimension],
                    buffer: features(settings.samples, lane: 0)),
                TensorContent(name: "train.labels", shape: [settings.samples], values: labels(settings.samples)),
                TensorContent(
                    name: "validation.features", dataType: .float32, shape: [validation, dimension],
                    buffer: features(validation, lane: 2)),
                TensorContent(name: "validation.labels", shape: [validation], values: labels(validation)),
                TensorContent(
                    name: "weight", shape: [classes, dimension],
                    values: BenchData.matrix(rows: classes, columns: dimension, scale: 0.02, lane: 1).values),
                TensorContent(name: "bias", shape: [classes], values: [Float](repeating: 0, count: classes)),
            ], to: path)
    }
}
