import Common
import Coordination
import Dispatch
import SelMix
import Synchronization
import Training

/// How long a round's validation takes the workers, without what they say to the coordinator: the confusion counts of a
/// split in 8 shards, by as many threads as there would be workers. Features come from a mapped file, as in a run.
public struct ValidationBench: Sendable, Encodable {
    public var classes: Int
    public var dimension: Int
    public var samples: Int
    public var threads: Int
    public var seconds: Double
    public var samplesPerSecond: Double
    /// 2 N K d / seconds / 1e9, of all threads.
    public var gflops: Double

    private static let shards = 8

    public init(classes: Int, dimension: Int, samples: Int, threads: Int) throws {
        try InstructionSet.use(InstructionSet.best)
        (self.classes, self.dimension, self.samples, self.threads) = (classes, dimension, samples, threads)
        let folder = try SocketDirectory()
        let data = try Self.split(classes: classes, dimension: dimension, samples: samples, in: folder.path)
        let weights = Parameters(layout: .linearHead(classes: classes, dimension: dimension))
        _ = weights["weight"].update(
            fromContentsOf: BenchData.matrix(rows: classes, columns: dimension, scale: 0.05, lane: 1).values)
        // Each is used by one thread at a time.
        nonisolated(unsafe) let evaluations = try (0..<threads).map { _ in
            try HeadEvaluation(classes: classes, dimension: dimension)
        }
        seconds = try BenchData.leastSeconds {
            let failure = Mutex<(any Error)?>(nil)
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                do {
                    var counts = ConfusionCounts(classes: classes)
                    for shard in stride(from: thread, to: Self.shards, by: threads) {
                        try evaluations[thread].add(
                            data, shard: ShardID(shard), of: Self.shards, weights: weights, counts: &counts)
                    }
                } catch {
                    failure.withLock { $0 = error }
                }
            }
            if let error = failure.withLock({ $0 }) { throw error }
        }
        samplesPerSecond = Double(samples) / seconds
        gflops = 2 * Double(samples) * Double(classes) * Double(dimension) / seconds / 1e9
    }

    /// Features in float32 in a file, of which a few hundred rows are repeated.
    private static func split(classes: Int, dimension: Int, samples: Int, in folder: String) throws -> LabeledFeatures {
        let pattern = BenchData.matrix(rows: min(samples, 256), columns: dimension, scale: 1, lane: 0).values
        let features = AlignedBuffer(byteCount: samples * dimension * 4)
        let rows = features.floats()
        for start in stride(from: 0, to: rows.count, by: pattern.count) {
            _ = UnsafeMutableBufferPointer(rebasing: rows[start..<min(start + pattern.count, rows.count)])
                .update(fromContentsOf: pattern.prefix(rows.count - start))
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
