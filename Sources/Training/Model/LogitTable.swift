import CKernels
import Common
import SelMix

/// The logits of a head for every row of a split: held in memory where they are small, computed again block by block where
/// they are not. At 1000 classes and 20,000 rows they are 80 MB; at 8142 classes and 24,426 rows 800 MB.
///
/// Reading the held ones is free of scratch memory, but computing is not: use one from one thread at a time.
public final class LogitTable: LogitColumns, @unchecked Sendable {
    private static let blockRows = 128
    private static let blockClasses = 64

    private let features: StoredTensor
    private let head: Parameters
    public let rows: Int
    public let classes: Int
    private let dimension: Int
    /// [rows, K]; nil where it would be too large.
    private let held: AlignedBuffer?
    private let x: AlignedBuffer
    private let product: MatrixProduct
    private let block: AlignedBuffer
    private let narrow: MatrixProduct
    private let narrowBlock: AlignedBuffer
    private let narrowWeights: AlignedBuffer

    /// - Parameter limit: what may be held, in bytes.
    public init(_ features: StoredTensor, head: Parameters, holding limit: Int = 512 << 20) throws {
        (self.features, self.head) = (features, head)
        rows = features.shape[0]
        let shape = head.layout["weight"].shape
        (classes, dimension) = (shape[0], shape[1])
        x = AlignedBuffer(byteCount: Self.blockRows * dimension * 4, zeroed: true)
        product = try MatrixProduct(.init(m: Self.blockRows, n: classes, k: dimension, transposedB: true))
        block = AlignedBuffer(byteCount: Self.blockRows * classes * 4)
        narrow = try MatrixProduct(.init(m: Self.blockRows, n: Self.blockClasses, k: dimension, transposedB: true))
        narrowBlock = AlignedBuffer(byteCount: Self.blockRows * Self.blockClasses * 4)
        narrowWeights = AlignedBuffer(byteCount: Self.blockClasses * dimension * 4, zeroed: true)
        guard rows * classes * 4 <= limit else {
            held = nil
            return
        }
        let held = AlignedBuffer(byteCount: rows * classes * 4)
        self.held = held
        let all = held.floats().baseAddress!
        try forEachComputedBlock { first, count, logits in
            (all + first * classes).update(from: logits, count: count * classes)
        }
    }

    /// Calls `body` with some rows and their logits, in order.
    ///
    /// - Parameter chosen: ascending.
    public func forEach(_ chosen: [Int], _ body: (_ row: Int, _ logits: UnsafePointer<Float>) throws -> Void) throws {
        if let held {
            let all = held.floats().baseAddress!
            for row in chosen { try body(row, all + row * classes) }
            return
        }
        for first in stride(from: 0, to: chosen.count, by: Self.blockRows) {
            let block = chosen[first..<min(first + Self.blockRows, chosen.count)]
            let logits = try compute(block)
            for (index, row) in block.enumerated() { try body(row, logits + index * classes) }
        }
    }

    public func read(classes range: Range<Int>, into logits: UnsafeMutablePointer<Float>) throws {
        if let held {
            let all = held.floats().baseAddress!
            for row in 0..<rows {
                let own = all + row * classes
                for k in range { logits[(k - range.lowerBound) * rows + row] = own[k] }
            }
            return
        }
        for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockClasses) {
            let part = first..<min(first + Self.blockClasses, range.upperBound)
            let weights = narrowWeights.floats().baseAddress!
            weights.update(from: head["weight"].baseAddress! + first * dimension, count: part.count * dimension)
            let result = narrowBlock.floats().baseAddress!
            for begin in stride(from: 0, to: rows, by: Self.blockRows) {
                let end = min(begin + Self.blockRows, rows)
                try narrow(gather(begin..<end), weights, into: result)
                for row in begin..<end {
                    for k in part {
                        logits[(k - range.lowerBound) * rows + row] =
                            result[(row - begin) * Self.blockClasses + k - first] + head["bias"][k]
                    }
                }
            }
        }
    }

    public func read(row: Int, into logits: UnsafeMutablePointer<Float>) throws {
        try forEach([row]) { _, own in logits.update(from: own, count: classes) }
    }

    private func forEachComputedBlock(
        _ body: (_ first: Int, _ count: Int, _ logits: UnsafePointer<Float>) -> Void
    ) throws {
        for first in stride(from: 0, to: rows, by: Self.blockRows) {
            let block = first..<min(first + Self.blockRows, rows)
            body(first, block.count, try compute(block))
        }
    }

    /// The logits of at most one block of rows.
    private func compute(_ chosen: some Collection<Int>) throws -> UnsafePointer<Float> {
        let logits = block.floats().baseAddress!
        try product(gather(chosen), head["weight"].baseAddress!, into: logits)
        smx_add_bias(logits, head["bias"].baseAddress!, Self.blockRows, classes)
        return UnsafePointer(logits)
    }

    /// Rows left over from the block before are computed too, and not used.
    private func gather(_ chosen: some Collection<Int>) -> UnsafePointer<Float> {
        let x = x.floats().baseAddress!
        for (index, row) in chosen.enumerated() { features.floats(row: row, into: x + index * dimension) }
        return UnsafePointer(x)
    }
}
