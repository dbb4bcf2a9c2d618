import Common
import SelMix
import Testing

@testable import Training

/// What each of several heads trains on, and what it is judged by.
@Suite("Pools of training samples for heads that are judged by others")
struct TrainingPoolTests {
    private static let (classes, dimension, folds) = (3, 4, 3)

    /// Row r of the training split holds r in its first column; row r of the validation split holds 100 + r.
    private static func split(
        _ first: Float, rows: Int, labels: [Int64], copying copies: [Int: [Float]] = [:]
    ) throws -> LabeledFeatures {
        let values = (0..<rows).flatMap { row in copies[row] ?? [first + Float(row), 1, 2, 3] }
        let file = try TensorFile.decode(
            SafetensorsWriter.encode([
                TensorContent(name: "x", shape: [rows, dimension], values: values),
                TensorContent(name: "y", shape: [rows], values: labels),
            ]).withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: "memory.safetensors")
        return try LabeledFeatures(
            features: file.tensor("x"), labels: file.tensor("y"), classes: classes, dimension: dimension,
            role: "train", needsEveryClass: true)
    }

    private static func train(copying copies: [Int: [Float]] = [:]) throws -> LabeledFeatures {
        try split(0, rows: 30, labels: (0..<30).map { Int64($0 % classes) }, copying: copies)
    }

    private static func validation(copying copies: [Int: [Float]] = [:]) throws -> LabeledFeatures {
        try split(100, rows: 12, labels: (0..<12).map { Int64($0 % classes) }, copying: copies)
    }

    /// All indices that any shard may draw, of any class.
    private static func rows(of pool: TrainingPool, shards: Int) -> Set<Int> {
        var rows = Set<Int>()
        for shard in (0..<shards).map({ ShardID($0) }) {
            for label in 0..<classes {
                for position in 0..<pool.shards.count(of: label, in: shard) {
                    rows.insert(pool.shards.sample(position, of: label, in: shard))
                }
            }
        }
        return rows
    }

    @Test func eachHeadTrainsOnAllThatItIsNotJudgedBy() throws {
        let (train, validation) = (try Self.train(), try Self.validation())
        let plan = try FoldPlan(labels: validation.labels, classes: Self.classes, folds: Self.folds, seed: 5)
        for fold in 0..<Self.folds {
            let pool = TrainingPool(train, validation, heldOut: plan, fold: fold, equals: [], shards: 2)
            let seen = (0..<12).filter { plan.foldOfRow[$0] != fold }.map { 30 + $0 }
            #expect(Self.rows(of: pool, shards: 2) == Set(Array(0..<30) + seen))
            var scratch = [Float](repeating: 0, count: Self.dimension)
            for row in [0, 29] + seen {
                let expected = row < 30 ? Float(row) : 100 + Float(row - 30)
                #expect(
                    scratch.withUnsafeMutableBufferPointer { pool.floats(row: row, scratch: $0.baseAddress!)[0] }
                        == expected)
            }
        }
    }

    @Test func oneFoldTrainsOnTheTrainingSplitAlone() throws {
        let (train, validation) = (try Self.train(), try Self.validation())
        let plan = try FoldPlan(labels: validation.labels, classes: Self.classes, folds: 1, seed: 5)
        let pool = TrainingPool(train, validation, heldOut: plan, fold: 0, equals: [], shards: 2)
        #expect(Self.rows(of: pool, shards: 2) == Set(0..<30))
    }

    @Test func equalRowsAreFound() throws {
        let train = try Self.train(copying: [7: [103, 1, 2, 3], 8: [104, 1, 2, 3.5]])
        let validation = try Self.validation(copying: [9: [103, 1, 2, 3], 11: [100, 1, 2, 3]])
        let twins = RowTwins(validation: validation.features, train: train.features)
        #expect(twins.withinValidation == [.init(row: 9, other: 3), .init(row: 11, other: 0)])
        #expect(twins.withTraining == [.init(row: 3, other: 7)])
    }

    /// Otherwise a head would be judged by a sample that it has trained on.
    @Test func aTrainingSampleThatEqualsAJudgeIsLeftOut() throws {
        let train = try Self.train(copying: [7: [103, 1, 2, 3]])
        let validation = try Self.validation()
        let twins = RowTwins(validation: validation.features, train: train.features)
        let plan = try FoldPlan(labels: validation.labels, classes: Self.classes, folds: Self.folds, seed: 5)
        for fold in 0..<Self.folds {
            let pool = TrainingPool(
                train, validation, heldOut: plan, fold: fold, equals: twins.withTraining, shards: 2)
            #expect(Self.rows(of: pool, shards: 2).contains(7) == (plan.foldOfRow[3] != fold))
        }
    }

    /// Each row is judged by its own head, whatever the shards.
    @Test(arguments: [1, 2, 5]) func rowsAreJudgedByTheHeadThatHasNotSeenThem(shards: Int) throws {
        let validation = try Self.validation()
        let plan = try FoldPlan(labels: validation.labels, classes: Self.classes, folds: Self.folds, seed: 5)
        // Head f says class f of everything.
        let heads = (0..<Self.folds).map { fold in
            let head = Parameters(layout: .linearHead(classes: Self.classes, dimension: Self.dimension))
            head["bias"][fold] = 1
            return head
        }
        var counts = ConfusionCounts(classes: Self.classes)
        let evaluation = try HeadEvaluation(classes: Self.classes, dimension: Self.dimension)
        for shard in 0..<shards {
            try evaluation.add(
                validation, shard: ShardID(shard), of: shards, heads: heads, heldOut: plan, counts: &counts)
        }
        var expected = ConfusionCounts(classes: Self.classes)
        for (row, fold) in plan.foldOfRow.enumerated() {
            expected.add(true: Int(validation.labels[row]), predicted: Int(fold))
        }
        #expect(counts == expected)
    }

    @Test func theMeanOfHeadsIsOneHead() {
        let heads = (1...4).map { value in
            let head = Parameters(layout: .linearHead(classes: 2, dimension: 3))
            head["weight"].update(repeating: Float(value))
            return head
        }
        let mean = heads.mean
        withExtendedLifetime(mean) { #expect(Array(mean["weight"]) == [Float](repeating: 2.5, count: 6)) }
        #expect([heads[2]].mean.buffer === heads[2].buffer)
    }
}
