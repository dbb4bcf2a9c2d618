import CKernels
import Common
import SelMix

/// The soft confusion matrix of a linear head: the probabilities that it predicts, summed over the samples of each true
/// class, in place of counts of its decisions. Unlike the counts it is a smooth function of the head.
///
/// Logits and probabilities are float32 and the sums float64, so that what a small step changes is not lost in rounding.
/// Holds scratch memory: one a thread, over rows that threads share.
public final class SoftConfusion {
    private static let blockRows = 128

    private let rows: Rows
    private let product: MatrixProduct
    private let logits: AlignedBuffer

    public init(_ rows: Rows) throws {
        self.rows = rows
        product = try MatrixProduct(.init(m: Self.blockRows, n: rows.classes, k: rows.dimension, transposedB: true))
        logits = AlignedBuffer(byteCount: Self.blockRows * rows.classes * 4)
    }

    /// [K, K], row = true class. A row sums to the number of samples that the split has of its class, also where only some
    /// of them were looked at.
    public func counts(_ head: Parameters) throws -> [Double] {
        let (classes, dimension) = (rows.classes, rows.dimension)
        let l = logits.pointer.assumingMemoryBound(to: Float.self)
        var counts = [Double](repeating: 0, count: classes * classes)
        try counts.withUnsafeMutableBufferPointer { counts in
            for first in stride(from: 0, to: rows.count, by: Self.blockRows) {
                try product(rows.features + first * dimension, head["weight"].baseAddress!, into: l)
                smx_add_bias(l, head["bias"].baseAddress!, Self.blockRows, classes)
                for row in first..<min(first + Self.blockRows, rows.count) {
                    let own = l + (row - first) * classes
                    smx_softmax(own, classes)
                    smx_accumulate(own, counts.baseAddress! + Int(rows.labels[row]) * classes, classes)
                }
            }
            for label in 0..<classes where rows.samplesPerRow[label] != 1 {
                for predicted in 0..<classes { counts[label * classes + predicted] *= rows.samplesPerRow[label] }
            }
        }
        return counts
    }
}

extension SoftConfusion {
    /// The rows of a split that are looked at: all of a class, or a limited number spread evenly over its samples.
    public struct Rows: Sendable {
        public let classes: Int
        public let dimension: Int
        /// [rows], each in 0 ..< K.
        public let labels: [Int32]
        /// The largest length of a row of features.
        public let largestNorm: Double
        /// [K]: how many samples of the split a row stands for.
        let samplesPerRow: [Double]
        /// [rows, d] in float32, padded with zeros to whole blocks.
        private let buffer: AlignedBuffer

        public var count: Int { labels.count }
        var features: UnsafePointer<Float> { UnsafePointer(buffer.pointer.assumingMemoryBound(to: Float.self)) }

        /// - Parameter limit: the most rows of one class.
        public init(_ data: LabeledFeatures, limitPerClass limit: Int) {
            (classes, dimension) = (data.classes, data.dimension)
            let totals = data.classCounts
            let taken = totals.map { min($0, limit) }
            var seen = [Int](repeating: 0, count: data.classes)
            let rows = data.labels.indices.filter { row in
                let label = Int(data.labels[row])
                let position = seen[label]
                seen[label] += 1
                return (position + 1) * taken[label] / totals[label] > position * taken[label] / totals[label]
            }
            labels = rows.map { data.labels[$0] }
            samplesPerRow = zip(totals, taken).map { $1 == 0 ? 1 : Double($0) / Double($1) }
            let padded = (rows.count + SoftConfusion.blockRows - 1) / SoftConfusion.blockRows * SoftConfusion.blockRows
            buffer = AlignedBuffer(byteCount: padded * data.dimension * 4, zeroed: true)
            let values = buffer.floats()
            var largest = 0.0
            for (index, row) in rows.enumerated() {
                let own = values[index * data.dimension..<(index + 1) * data.dimension]
                data.features.floats(row: row, into: values.baseAddress! + own.startIndex)
                largest = max(largest, own.reduce(0) { $0 + Double($1) * Double($1) })
            }
            largestNorm = largest.squareRoot()
        }
    }
}
