import Common
import Foundation
import SelMix
import Testing

@testable import Training

/// The step of a linear head against its definition in float64.
@Suite struct HeadGradientTests {
    static let (classes, dimension, samples, shards, batch) = (5, 7, 120, 4, 16)

    static func data() throws -> LabeledFeatures {
        let philox = Philox(seed: 21)
        let values = (0..<samples * dimension).map {
            Float(philox.block(.synthesis, index: 0, slot: $0).low.unitInterval)
        }
        let labels = (0..<samples).map { Int64($0 % 3 == 0 ? 0 : $0 % classes) }
        let file = try TensorFile.decode(
            SafetensorsWriter.encode([
                TensorContent(name: "x", shape: [samples, dimension], values: values),
                TensorContent(name: "y", shape: [samples], values: labels),
            ]).withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: "memory.safetensors")
        return try LabeledFeatures(
            features: file.tensor("x"), labels: file.tensor("y"), classes: classes, dimension: dimension,
            role: "train", needsEveryClass: true)
    }

    static func weights() -> Parameters {
        let philox = Philox(seed: 22)
        let weights = Parameters(layout: .linearHead(classes: classes, dimension: dimension))
        for entry in weights.layout.entries {
            for index in 0..<entry.count {
                weights.values(of: entry)[index] = Float(
                    philox.block(.synthesis, index: 1, slot: entry.offset + index).low.unitInterval - 0.5)
            }
        }
        return weights
    }

    @Test(arguments: [MixRule.LabelRatio.one, .same, .midpoint, .uniform(0.2...0.4)], LossSettings.Name.allCases)
    func matchesItsDefinition(rule: MixRule.LabelRatio, loss name: LossSettings.Name) throws {
        let data = try Self.data()
        let weights = Self.weights()
        let mixed = MixedBatch(
            TrainingPool(
                data, shards: TrainingShards(labels: data.labels, classes: Self.classes, shards: Self.shards)),
            rule: MixRule(featureRatio: 0.6...1, labelRatio: rule), seed: 3)
        let terms = LossSettings(name).terms(trainCounts: data.classCounts)
        let compute = try HeadGradient(
            classes: Self.classes, dimension: Self.dimension, batch: Self.batch, shards: Self.shards, loss: terms)
        let slots = Self.batch / Self.shards
        let step = StepIndex(5)
        for shard in (0..<Self.shards).map({ ShardID($0) }) {
            let pairs = (0..<slots).map { ClassPair(label: $0 % Self.classes, partner: ($0 + 2) % Self.classes) }
            let gradient = Parameters(layout: weights.layout)
            let loss = try compute(
                shard: shard, step: step, pairs: pairs, batch: mixed, weights: weights, into: gradient)

            var expected = [Double](repeating: 0, count: Self.classes * Self.dimension)
            var expectedBias = [Double](repeating: 0, count: Self.classes)
            var expectedLoss = 0.0
            for (row, pair) in pairs.enumerated() {
                let slot = mixed.slot(shard.rawValue * slots + row, step: step, pair: pair, shard: shard)
                #expect(data.labels[slot.first] == Int32(pair.label) && data.labels[slot.second] == Int32(pair.partner))
                #expect((0.6...1).contains(slot.featureRatio))
                switch rule {
                case .one: #expect(slot.labelRatio == 1)
                case .same: #expect(slot.labelRatio == slot.featureRatio)
                case .midpoint: #expect(slot.labelRatio == 0.5)
                case .uniform: #expect((0.2...0.4).contains(slot.labelRatio))
                }
                let x = Self.mix(data, slot)
                let logits = (0..<Self.classes).map { k in
                    (0..<Self.dimension).reduce(Double(weights["bias"][k] + (terms.offsets?[k] ?? 0))) {
                        $0 + Double(weights["weight"][k * Self.dimension + $1]) * x[$1]
                    }
                }
                let sum = logits.reduce(0) { $0 + exp($1) }
                let share = Double(slot.labelRatio)
                for k in 0..<Self.classes {
                    let hard = (k == pair.label ? share : 0) + (k == pair.partner ? 1 - share : 0)
                    let smoothing = Double(terms.smoothing)
                    let target = (1 - smoothing) * hard + smoothing / Double(Self.classes)
                    expectedLoss -= target * (logits[k] - log(sum)) / Double(Self.batch)
                    let push = (exp(logits[k]) / sum - target) / Double(Self.batch)
                    expectedBias[k] += push
                    for c in 0..<Self.dimension { expected[k * Self.dimension + c] += push * x[c] }
                }
            }
            #expect(abs(loss - expectedLoss) < 1e-6)
            #expect(zip(gradient["weight"], expected).allSatisfy { abs(Double($0) - $1) < 1e-6 })
            #expect(zip(gradient["bias"], expectedBias).allSatisfy { abs(Double($0) - $1) < 1e-6 })
        }
    }

    /// bfloat16 keeps 8 bits of each input: the gradient is as close as that allows, and the loss closer.
    @Test(.enabled(if: Precision.bfloat16.isNative(in: InstructionSet.best)))
    func bfloat16IsCloseToFloat32() throws {
        let data = try Self.data()
        let weights = Self.weights()
        let mixed = MixedBatch(
            TrainingPool(
                data, shards: TrainingShards(labels: data.labels, classes: Self.classes, shards: Self.shards)),
            rule: MixRule(featureRatio: 0.6...1, labelRatio: .one), seed: 3)
        let pairs = (0..<Self.batch / Self.shards).map {
            ClassPair(label: $0 % Self.classes, partner: ($0 + 2) % Self.classes)
        }
        func gradient(_ precision: Precision) throws -> (loss: Double, values: Parameters) {
            let compute = try HeadGradient(
                classes: Self.classes, dimension: Self.dimension, batch: Self.batch, shards: Self.shards,
                precision: precision)
            let gradient = Parameters(layout: weights.layout)
            let loss = try compute(
                shard: ShardID(1), step: StepIndex(2), pairs: pairs, batch: mixed, weights: weights, into: gradient)
            return (loss, gradient)
        }
        let (exact, rough) = (try gradient(.float32), try gradient(.bfloat16))
        #expect(exact.loss != rough.loss && abs(exact.loss - rough.loss) < 0.01 * exact.loss)
        for name in ["weight", "bias"] {
            let largest = exact.values[name].map(abs).max()!
            for (a, b) in zip(exact.values[name], rough.values[name]) { #expect(abs(a - b) < largest / 64) }
        }
    }

    @Test func evaluationCountsEverySampleOnceInAnySharding() throws {
        let data = try Self.data()
        let weights = Self.weights()
        let evaluation = try HeadEvaluation(classes: Self.classes, dimension: Self.dimension)
        var whole = ConfusionCounts(classes: Self.classes)
        var sums = [Double](repeating: 0, count: Self.classes * Self.dimension)
        try evaluation.add(data, shard: ShardID(0), of: 1, weights: weights, counts: &whole, sums: &sums)
        #expect(whole.total == Int64(data.count))
        #expect(whole.rowTotals.map { Int($0) } == data.classCounts)
        for shards in [2, 3, 8] {
            var parts = ConfusionCounts(classes: Self.classes)
            for shard in 0..<shards {
                try evaluation.add(data, shard: ShardID(shard), of: shards, weights: weights, counts: &parts)
            }
            #expect(parts == whole)
        }
        var row = [Float](repeating: 0, count: Self.dimension)
        var expected = 0.0
        for index in 0..<data.count where data.labels[index] == 0 {
            data.features.floats(row: index, into: &row)
            expected += Double(row[2])
        }
        #expect(abs(sums[2] - expected) < 1e-9)
    }

    private static func mix(_ data: LabeledFeatures, _ slot: MixedBatch.Slot) -> [Double] {
        var (a, b) = ([Float](repeating: 0, count: dimension), [Float](repeating: 0, count: dimension))
        data.features.floats(row: slot.first, into: &a)
        data.features.floats(row: slot.second, into: &b)
        return (0..<dimension).map {
            Double(slot.featureRatio) * Double(a[$0]) + (1 - Double(slot.featureRatio)) * Double(b[$0])
        }
    }
}
