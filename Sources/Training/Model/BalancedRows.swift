import CKernels
import Common
import Foundation
import SelMix
import Synchronization

/// Rows of one or more splits that a head is fitted to in one go, every class weighing the same.
///
/// A pass computes a loss and its gradient over all of them. Rows are cut into a fixed number of parts, whose gradients
/// are added in order, so the sums do not depend on how many threads there are.
public final class BalancedRows: Sendable {
    /// What is minimised, as a mean over classes.
    public enum Loss: Sendable, Equatable {
        /// The mean cross-entropy of the class's rows.
        case crossEntropy
        /// -log of the mean probability that the class's rows get, from logits moved by `offsets` (GML: Du and Wu, "No One
        /// Left Behind", arXiv 2303.03630): minus the log of the geometric mean of soft recalls.
        case geometricMean(offsets: [Float])
    }

    private static let blockRows = 128
    private static let parts = 4

    private struct Place: Sendable {
        var split: Int
        var row: Int
        var label: Int
    }

    private let features: [StoredTensor]
    private let places: [Place]
    public let classes: Int
    public let dimension: Int
    /// Rows of each class, [K].
    public let classCounts: [Int]
    /// The mean squared length of a row of features.
    public let meanSquaredNorm: Double

    public var count: Int { places.count }

    /// - Parameter splits: each with the rows of it that count, ascending.
    public init(_ splits: [(data: LabeledFeatures, rows: [Int])]) {
        features = splits.map(\.data.features)
        (classes, dimension) = (splits[0].data.classes, splits[0].data.dimension)
        var places: [Place] = []
        var counts = [Int](repeating: 0, count: classes)
        for (index, split) in splits.enumerated() {
            for row in split.rows {
                let label = Int(split.data.labels[row])
                counts[label] += 1
                places.append(Place(split: index, row: row, label: label))
            }
        }
        (self.places, classCounts) = (places, counts)
        let norms = splits.map { $0.data.features.squaredNorms() }
        meanSquaredNorm = norms.reduce(0) { $0 + $1.sum } / Double(max(1, norms.reduce(0) { $0 + $1.rows }))
    }

    /// 1 / (classes n_k), so that every class with rows weighs the same; 0 for a class without any.
    private var classWeights: [Double] {
        let known = Double(max(1, classCounts.count { $0 > 0 }))
        return classCounts.map { $0 > 0 ? 1 / (known * Double($0)) : 0 }
    }

    /// The loss at a head, and its gradient.
    public func loss(
        _ loss: Loss, head: Parameters, gradient: Parameters, loop: BlockLoop = .serial
    ) throws -> Double {
        var rowScales = classWeights
        if case .geometricMean(let offsets) = loss {
            let means = try softRecalls(head, offsets: offsets, loop: loop)
            let known = Double(max(1, classCounts.count { $0 > 0 }))
            for k in rowScales.indices where classCounts[k] > 0 {
                rowScales[k] = 1 / (known * Double(classCounts[k]) * max(means[k], .leastNormalMagnitude))
            }
            return try pass(head, loss, rowScales, gradient, loop).indices.reduce(0.0) {
                classCounts[$1] > 0 ? $0 - log(max(means[$1], .leastNormalMagnitude)) / known : $0
            }
        }
        let sums = try pass(head, loss, rowScales, gradient, loop)
        return zip(sums, rowScales).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// The mean probability that the rows of each class get, [K].
    private func softRecalls(_ head: Parameters, offsets: [Float], loop: BlockLoop) throws -> [Double] {
        let sums = try pass(
            head, .geometricMean(offsets: offsets), [Double](repeating: 0, count: classes), nil, loop)
        return zip(sums, classCounts).map { $1 > 0 ? $0 / Double($1) : 0 }
    }

    /// - Parameter rowScales: by class, what the derivative of a row is multiplied by.
    /// - Returns: by class, the sum of cross-entropies, or for the geometric mean of probabilities.
    private func pass(
        _ head: Parameters, _ loss: Loss, _ rowScales: [Double], _ gradient: Parameters?, _ loop: BlockLoop
    ) throws -> [Double] {
        let blocks = (places.count + Self.blockRows - 1) / Self.blockRows
        let results = PartResults(Self.parts)
        try loop(Self.parts) { part in
            let own = blocks * part / Self.parts..<blocks * (part + 1) / Self.parts
            let worker = try Part(self, head, gradient == nil ? nil : Parameters(layout: head.layout))
            for block in own {
                let rows = block * Self.blockRows..<min((block + 1) * Self.blockRows, places.count)
                try worker.add(rows, loss, rowScales)
            }
            results.set(part, worker)
        }
        var sums = [Double](repeating: 0, count: classes)
        if let gradient { gradient.floats.update(repeating: 0, count: gradient.layout.count) }
        for part in results.all {
            for k in sums.indices { sums[k] += part.sums[k] }
            if let gradient, let own = part.gradient { gradient.add(own) }
        }
        return sums
    }
}

extension BalancedRows {
    /// The parts of a pass, each of which one thread makes.
    private final class PartResults: Sendable {
        private let parts: Mutex<[Part?]>
        init(_ count: Int) { parts = Mutex([Part?](repeating: nil, count: count)) }
        func set(_ index: Int, _ part: Part) { parts.withLock { $0[index] = part } }
        var all: [Part] { parts.withLock { $0.compactMap { $0 } } }
    }

    /// One thread's share of a pass, with its scratch memory.
    private final class Part: @unchecked Sendable {
        private let rows: BalancedRows
        private let head: Parameters
        let gradient: Parameters?
        private(set) var sums: [Double]
        private let x: AlignedBuffer
        private let logits: AlignedBuffer
        private let forward: MatrixProduct
        private let backward: MatrixProduct

        init(_ rows: BalancedRows, _ head: Parameters, _ gradient: Parameters?) throws {
            (self.rows, self.head, self.gradient) = (rows, head, gradient)
            let (size, classes, dimension) = (BalancedRows.blockRows, rows.classes, rows.dimension)
            sums = [Double](repeating: 0, count: classes)
            x = AlignedBuffer(byteCount: size * dimension * 4, zeroed: true)
            logits = AlignedBuffer(byteCount: size * classes * 4, zeroed: true)
            forward = try MatrixProduct(.init(m: size, n: classes, k: dimension, transposedB: true))
            backward = try MatrixProduct(
                .init(m: classes, n: dimension, k: size, transposedA: true, accumulates: true))
        }

        func add(_ range: Range<Int>, _ loss: Loss, _ rowScales: [Double]) throws {
            let (size, classes, dimension) = (BalancedRows.blockRows, rows.classes, rows.dimension)
            let (x, l) = (x.floats().baseAddress!, logits.floats().baseAddress!)
            for (index, place) in rows.places[range].enumerated() {
                rows.features[place.split].floats(row: place.row, into: x + index * dimension)
            }
            try forward(x, head["weight"].baseAddress!, into: l)
            smx_add_bias(l, head["bias"].baseAddress!, size, classes)
            if case .geometricMean(let offsets) = loss { smx_add_bias(l, offsets, size, classes) }
            for (index, place) in rows.places[range].enumerated() {
                let own = l + index * classes
                let target = smx_target(
                    label: UInt32(place.label), partner: UInt32(place.label), ratio: 1, smoothing: 0)
                let entropy = smx_softmax_cross_entropy(own, classes, target, 1)
                let probability = exp(-entropy)
                var scale = rowScales[place.label]
                if case .geometricMean = loss {
                    sums[place.label] += probability
                    // The log of a mean of probabilities: rows that are right already pull more.
                    scale *= probability
                } else {
                    sums[place.label] += entropy
                }
                smx_scale_and_add(own, scale, 0, classes)
            }
            guard let gradient else { return }
            (l + range.count * classes).update(repeating: 0, count: (size - range.count) * classes)
            try backward(l, x, into: gradient["weight"].baseAddress!)
            smx_column_sums(l, gradient["bias"].baseAddress!, size, classes)
        }
    }
}
