import CKernels
import Common
import Coordination
import Foundation
import SelMix
import Training

/// What those rows of a comparison cost that the coordinator's process computes, once each on all rows; with four folds a
/// run takes them five times. Features scatter around the head's directions, frequent classes more widely, so that a good
/// part of the rows is decided wrongly and there is something to tune.
public struct BaselineBench: Sendable, Encodable {
    public var classes: Int
    public var dimension: Int
    public var samples: Int
    public var threads: Int
    /// Of the head's logits for all rows.
    public var logitSeconds: Double
    /// One bias a class, for the objective that is slowest to settle, h-mean, and for min-recall.
    public var biasAscentSeconds: [String: Double]
    /// Passes over all classes.
    public var biasAscentPasses: [String: Int]
    public var calibrationSeconds: Double
    /// A hundred decisions from held probabilities.
    public var plugInSeconds: Double
    /// One softmax regression on all rows.
    public var retrainingSeconds: Double

    public init(classes: Int, dimension: Int, samples: Int, threads: Int) throws {
        try InstructionSet.use(InstructionSet.best)
        (self.classes, self.dimension, self.samples, self.threads) = (classes, dimension, samples, threads)
        let folder = try SocketDirectory()
        let head = Parameters(layout: .linearHead(classes: classes, dimension: dimension))
        _ = head["weight"].update(
            fromContentsOf: BenchData.matrix(rows: classes, columns: dimension, scale: 0.05, lane: 1).values)
        let data = try Self.split(head, samples: samples, in: folder.path)
        let loop = BlockLoop.threads(threads)
        func seconds(_ body: () throws -> Void) rethrows -> Double {
            let start = SystemClock.now
            try body()
            return (SystemClock.now - start).seconds
        }
        var made: LogitTable?
        logitSeconds = try seconds { made = try LogitTable(data.features, head: head) }
        guard let table = made else { preconditionFailure("no logits") }
        var (ascents, passes) = ([String: Double](), [String: Int]())
        for objective in [HMean() as any Objective, MinRecall()] {
            let ascent = BiasAscent(objective.form, labels: data.labels)
            ascents[objective.name] = try seconds {
                let found = try ascent(table, from: [Double](repeating: 0, count: classes))
                passes[objective.name] = found.passes
            }
        }
        (biasAscentSeconds, biasAscentPasses) = (ascents, passes)
        let rows = Array(0..<samples)
        var scaling = VectorScaling(inverseTemperature: 1, offsets: [Float](repeating: 0, count: classes))
        calibrationSeconds = try seconds {
            scaling = try VectorScaling.fit(offsets: scaling.offsets, rows: samples) { body in
                try table.forEach(rows) { body(Int(data.labels[$0]), $1) }
            }
        }
        let probabilities = try ProbabilityRows(table, rows: rows, labels: data.labels, scaling)
        plugInSeconds = try seconds {
            _ = try PlugIn(HMean(), classes: classes) { try probabilities.counts($0, loop: loop) }
        }
        retrainingSeconds = try seconds {
            _ = try HeadFit(.crossEntropy, penalty: 0.01)(
                BalancedRows([(data, rows)]), towards: head, from: head, loop: loop)
        }
    }

    private static func split(_ head: Parameters, samples: Int, in folder: String) throws -> LabeledFeatures {
        let shape = head.layout["weight"].shape
        let (classes, dimension) = (shape[0], shape[1])
        let noise = BenchData.matrix(rows: min(samples, 997), columns: dimension, scale: 1, lane: 2).values
        let features = AlignedBuffer(byteCount: samples * dimension * 4)
        let rows = features.floats()
        for row in 0..<samples {
            let label = row % classes
            for column in 0..<dimension {
                rows[row * dimension + column] =
                    noise[(row * 7 * dimension + column) % noise.count] * (1 + Float(label % 3))
                    + head["weight"][label * dimension + column] * 20
            }
        }
        let path = folder + "/validation.safetensors"
        try SafetensorsWriter.write(
            [
                TensorContent(name: "features", dataType: .float32, shape: [samples, dimension], buffer: features),
                TensorContent(name: "labels", shape: [samples], values: (0..<samples).map { Int64($0 % classes) }),
            ], to: path)
        let file = try TensorFile.open(path)
        return try LabeledFeatures(
            features: file.tensor("features"), labels: file.tensor("labels"), classes: classes, dimension: dimension,
            role: "validation", needsEveryClass: false)
    }
}
