import Common
import Foundation
import SelMix
import Training

/// What a baseline decides by: a head, or a lottery over decisions from the probabilities of the head as brought.
enum Decider: Sendable {
    case head(Parameters)
    case lottery(VectorScaling, RandomisedRule)

    /// What it says of every row of some features.
    ///
    /// - Parameter run: whose head a lottery's probabilities are made from.
    func predictions(_ features: StoredTensor, _ run: PreparedRun) throws -> RowPredictions {
        switch self {
        case .head(let head):
            return RowPredictions(
                try HeadEvaluation(classes: run.classes, dimension: run.dimension).predict(
                    features, shard: ShardID(0), of: 1, weights: head))
        case .lottery(let scaling, let rule):
            let table = try LogitTable(features, head: run.head, holding: 0)
            return try Self.predictions(of: Array(0..<table.rows), of: table.rows, table, scaling, rule)
        }
    }

    /// What a lottery says of some rows of a table; nothing of the others.
    static func predictions(
        of rows: [Int], of count: Int, _ table: LogitTable, _ scaling: VectorScaling, _ rule: RandomisedRule
    ) throws -> RowPredictions {
        var said = rule.components.map { _ in [Int32](repeating: RowPredictions.silent, count: count) }
        var p = [Float](repeating: 0, count: table.classes)
        try table.forEach(rows) { row, logits in
            scaling.probabilities(logits, into: &p)
            for (index, component) in rule.components.enumerated() {
                said[index][row] = Int32(component.rule.decision(p))
            }
        }
        return RowPredictions(zip(rule.components, said).map { .init(weight: $0.weight, classes: $1) })
    }

    /// Writes what it takes to use it: `head.safetensors`, or for a lottery `lottery.safetensors` with the weight of each
    /// rule, `weights` [M], what it multiplies probabilities by, `scales` [M, K], and adds, `additions` [M, K], and the
    /// calibration, softmax(`temperature` l + `offsets`).
    func write(to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        switch self {
        case .head(let head): try HeadFile.write(head, to: directory + "/" + RunDirectory.Name.head)
        case .lottery(let scaling, let rule):
            let classes = scaling.offsets.count
            let none = [Float](repeating: 0, count: classes)
            let tensors: [(name: String, shape: [Int], values: [Float])] = [
                ("weights", [rule.components.count], rule.components.map { Float($0.weight) }),
                ("scales", [rule.components.count, classes], rule.components.flatMap(\.rule.scales)),
                ("additions", [rule.components.count, classes], rule.components.flatMap { $0.rule.additions ?? none }),
                ("temperature", [1], [scaling.inverseTemperature]),
                ("offsets", [classes], scaling.offsets),
            ]
            try withBytes(tensors.map(\.values)) { bytes in
                try SafetensorsWriter.write(
                    zip(tensors, bytes).map {
                        TensorContent(name: $0.name, dataType: .float32, shape: $0.shape, bytes: $1)
                    }, metadata: ["selmix": Version.current], to: directory + "/lottery.safetensors")
            }
        }
    }

    /// The bytes of several arrays at once.
    private func withBytes(_ arrays: [[Float]], _ body: ([UnsafeRawBufferPointer]) throws -> Void) throws {
        func descend(_ index: Int, _ found: [UnsafeRawBufferPointer]) throws {
            guard index < arrays.count else { return try body(found) }
            try arrays[index].withUnsafeBytes { try descend(index + 1, found + [$0]) }
        }
        try descend(0, [])
    }
}
