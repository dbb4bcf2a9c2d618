import Common
import Coordination
import Foundation
import SelMix
import Testing
import Training

@testable import Runtime

/// What a worker computes ahead changes when it computes, and no byte of what.
@Suite struct WorkerEngineTests {
    /// Two slices.
    private static let (classes, dimension, batch, shards) = (512, 1024, 32, 4)
    private static let step = StepIndex(5)
    private static let selection = Digest(rawValue: 9)

    private static func engine(_ folder: URL, _ precision: Precision) throws -> WorkerEngine {
        let path = folder.appending(path: "data.safetensors").path
        let philox = Philox(seed: 4)
        func values(_ count: Int, lane: Int) -> [Float] {
            (0..<count).map { Float(philox.block(.synthesis, index: lane, slot: $0).low.unitInterval - 0.5) }
        }
        try SafetensorsWriter.write(
            [
                TensorContent(name: "x", shape: [classes, dimension], values: values(classes * dimension, lane: 0)),
                TensorContent(name: "y", shape: [classes], values: (0..<classes).map { Int64($0) }),
                TensorContent(name: "w", shape: [classes, dimension], values: values(classes * dimension, lane: 1)),
                TensorContent(name: "b", shape: [classes], values: values(classes, lane: 2)),
            ], to: path)
        let split = SplitFiles(features: path + "#x", labels: path + "#y")
        var job = Job(
            name: "engine", data: DataFiles(train: split, validation: split),
            head: HeadFiles(weight: path + "#w", bias: path + "#b"), objective: ObjectiveSettings(name: "mean-recall"),
            output: folder.path)
        (job.batch, job.cluster.shards, job.cluster.precision) = (batch, shards, precision)
        job.selmix.folds = 1
        return try WorkerEngine(data: WorkerData(job: job), progress: WorkerEngine.Progress())
    }

    private static func weights(_ scale: Float, _ precision: Precision) -> PackedParameters {
        let weights = Parameters(layout: .linearHead(classes: classes, dimension: dimension))
        for entry in weights.layout.entries {
            for index in 0..<entry.count { weights.values(of: entry)[index] = scale * Float(index % 37 - 18) }
        }
        return PackedParameters(weights).rounded(to: precision)
    }

    private static func next(_ step: StepIndex = step, shift: Int = 0) -> WorkerEngine.NextStep {
        .init(
            step: step, selection: selection, shards: (0..<shards).map { ShardID($0) },
            pairs: (0..<batch).map { ClassPair(label: ($0 * 7 + shift) % classes, partner: ($0 * 11) % classes) })
    }

    /// The digest of all that an assignment of the whole batch gives.
    private static func digest(_ engine: WorkerEngine, _ weights: PackedParameters) throws -> Digest {
        let assignment = Assignment(
            number: 1, work: .train(step), weights: WeightsVersion(step.rawValue), selection: selection,
            shards: next().shards)
        var digests: [Digest] = []
        try engine.compute(
            assignment, heads: [weights], pairs: next().pairs, unlabeled: nil, isWanted: { true },
            deliver: { if case .contribution(let contribution, _) = $0 { digests.append(contribution.digest) } })
        return try #require(digests.first)
    }

    @Test(arguments: Precision.allCases.filter { $0.isNative(in: InstructionSet.best) })
    func nothingDependsOnWhatWasPrepared(precision: Precision) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "selmix-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = try Self.engine(folder, precision)
        let (weights, others) = (Self.weights(0.01, precision), Self.weights(0.02, precision))
        let plain = try Self.digest(engine, weights)
        #expect(try Self.digest(engine, others) != plain)

        /// What may happen before the assignment comes: slices of weights by index.
        let histories: [[(Int, PackedParameters)]] = [
            [], [(0, weights)], [(0, weights), (1, weights)],
            // Others were on their way first, or instead.
            [(0, others), (0, weights), (1, weights)], [(0, others), (1, others)], [(0, others), (1, weights)],
            // Out of order.
            [(1, weights)],
        ]
        for history in histories {
            try engine.prepare(Self.next(), heads: [weights], isWanted: { true })
            for (index, weights) in history { try engine.prepare(slice: index, of: weights, head: 0) }
            #expect(try Self.digest(engine, weights) == plain)
        }
        // Prepared for something else, given up on the way, or used already.
        try engine.prepare(Self.next(Self.step + 1, shift: 1), heads: [weights], isWanted: { true })
        try engine.prepare(slice: 0, of: weights, head: 0)
        #expect(try Self.digest(engine, weights) == plain)
        var asked = 0
        try engine.prepare(
            Self.next(shift: 1), heads: [weights],
            isWanted: {
                asked += 1
                return asked < 3
            })
        #expect(try Self.digest(engine, weights) == plain)
        #expect(try Self.digest(engine, weights) == plain)
    }

    /// Otherwise the test above would say nothing.
    @Test func whatWasPreparedIsUsed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "selmix-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let engine = try Self.engine(folder, .float32)
        let weights = Self.weights(0.01, .float32)
        let plain = try Self.digest(engine, weights)
        // Other pairs under the same name, which no coordinator sends.
        try engine.prepare(Self.next(shift: 1), heads: [weights], isWanted: { true })
        #expect(try Self.digest(engine, weights) != plain)
    }
}
