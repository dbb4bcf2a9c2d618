import Common
import Foundation
import SelMix
import Testing
import Training

@testable import Runtime

/// The effect of a step on the digits against the derivative of its definition, all of it in float64.
@Suite struct StepMeasurementTests {
    static let job = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("cluster/digits-lt/min-recall.yaml").path
    static let pairs = [(8, 3), (8, 8), (0, 9), (5, 1), (1, 5)].map { ClassPair(label: $0.0, partner: $0.1) }

    @Test(arguments: ["mean-recall", "min-recall", "h-mean", "h-mean-coverage"])
    func matchesTheDerivative(name: String) throws {
        let setting = try setting(name)
        let measurement = try StepMeasurement(setting.shared)
        for (number, pair) in Self.pairs.enumerated() {
            let gradient = self.gradient(setting, pair, number: number)
            let h = 1e-6
            let above = setting.objective(setting.head.enumerated().map { $1 - h * gradient[$0] })
            let below = setting.objective(setting.head.enumerated().map { $1 + h * gradient[$0] })
            let derivative = (above - below) / (2 * h)
            let measured = try measurement(pair, number: number)
            #expect(abs(measured - derivative) < 1e-3 * abs(derivative) + 1e-4, "\(name), \(pair)")
        }
    }

    @Test func aMeasurementDoesNotSeeTheOneBefore() throws {
        let measurement = try StepMeasurement(setting("g-mean").shared)
        let first = try measurement(Self.pairs[0], number: 0)
        #expect(try measurement(Self.pairs[1], number: 1) != first)
        #expect(try measurement(Self.pairs[0], number: 0) == first)
        // Another number draws other samples.
        #expect(try measurement(Self.pairs[0], number: 7) != first)
    }

    /// The same job for the measurement and for the definition; a head is W [K, d], then b [K].
    private struct Setting {
        let shared: StepMeasurement.Setting
        let head: [Double]
        let train: LabeledFeatures
        let validation: [(label: Int, x: [Double])]
        var classes: Int { train.classes }

        func probabilities(_ head: [Double], _ x: [Double]) -> [Double] {
            let logits = (0..<classes).map { k in
                x.indices.reduce(head[classes * x.count + k]) { $0 + head[k * x.count + $1] * x[$1] }
            }
            let exponentials = logits.map { exp($0 - logits.max()!) }
            return exponentials.map { $0 / exponentials.reduce(0, +) }
        }

        func objective(_ head: [Double]) -> Double {
            var counts = [Double](repeating: 0, count: classes * classes)
            for (label, x) in validation {
                for (l, p) in probabilities(head, x).enumerated() { counts[label * classes + l] += p }
            }
            return shared.objective.lagrangian(
                ConfusionStatistics(softCounts: counts, classes: classes), multipliers: shared.multipliers)
        }
    }

    private func setting(_ name: String) throws -> Setting {
        let job = try JobFile.load(Self.job, overrides: ["objective.name=\(name)"])
        let catalog = TensorCatalog()
        let head = try PreparedRun.head(job.head, catalog: catalog)
        let (classes, dimension) = (head.layout["weight"].shape[0], head.layout["weight"].shape[1])
        func split(_ files: SplitFiles, _ role: String) throws -> LabeledFeatures {
            try LabeledFeatures(files, role: role, catalog: catalog, classes: classes, dimension: dimension)
        }
        let (train, validation) = (try split(job.data.train, "train"), try split(job.data.validation, "validation"))
        let objective = try job.objective.objective(split: job.objective.split(trainCounts: train.classCounts))
        let rows = SoftConfusion.Rows(validation, limitPerClass: 1000)
        let statistics = ConfusionStatistics(softCounts: try SoftConfusion(rows).counts(head), classes: classes)
        return Setting(
            shared: StepMeasurement.Setting(
                head: head,
                batch: MixedBatch(
                    TrainingPool(
                        train, shards: TrainingShards(labels: train.labels, classes: classes, shards: 1)),
                    rule: job.selmix.mixRule, seed: 6),
                loss: LossTerms(), rows: rows, objective: objective,
                multipliers: objective.multipliers(after: [], statistics)),
            head: (head["weight"] + Array(head["bias"])).map(Double.init), train: train,
            validation: (0..<validation.count).map { (Int(validation.labels[$0]), features(validation, $0)) })
    }

    /// Of the mean cross-entropy over the step's mixed samples.
    private func gradient(_ setting: Setting, _ pair: ClassPair, number: Int) -> [Double] {
        let (classes, dimension) = (setting.classes, setting.train.dimension)
        var gradient = [Double](repeating: 0, count: setting.head.count)
        for index in 0..<StepMeasurement.slots {
            let slot = setting.shared.batch.slot(index, step: StepIndex(number), pair: pair, shard: ShardID(0))
            let share = Double(slot.featureRatio)
            let x = zip(features(setting.train, slot.first), features(setting.train, slot.second))
                .map { share * $0 + (1 - share) * $1 }
            for (k, p) in setting.probabilities(setting.head, x).enumerated() {
                let push = (p - (k == pair.label ? 1 : 0)) / Double(StepMeasurement.slots)
                for c in 0..<dimension { gradient[k * dimension + c] += push * x[c] }
                gradient[classes * dimension + k] += push
            }
        }
        return gradient
    }

    private func features(_ data: LabeledFeatures, _ row: Int) -> [Double] {
        var values = [Float](repeating: 0, count: data.dimension)
        data.features.floats(row: row, into: &values)
        return values.map(Double.init)
    }
}
