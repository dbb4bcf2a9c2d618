import Common
import Dispatch

/// What one pass over features tells of their values. Read block by block, on several threads; nothing is kept.
public struct FeatureScan: Sendable, Equatable {
    public private(set) var rows = 0
    /// Rows with a NaN or an infinity, and the first of them; they are left out of all that follows.
    public private(set) var nonFiniteRows = 0
    public private(set) var firstNonFiniteRow: Int?
    /// Rows of nothing but zeros.
    public private(set) var zeroRows = 0
    /// The part of all values that is 0.
    public var zeroShare: Double { Double(zeros) / Double(max(1, values)) }
    /// The part of all values that is below 0.
    public var negativeShare: Double { Double(negatives) / Double(max(1, values)) }
    /// Of a row's Euclidean norm.
    public var meanNorm: Double { norms / Double(max(1, rows - nonFiniteRows)) }
    public private(set) var smallestNorm = Double.infinity
    public private(set) var largestNorm = 0.0

    /// The mean of a row's squared Euclidean norm, E|z|^2.
    public var meanSquaredNorm: Double { squares / Double(max(1, rows - nonFiniteRows)) }

    private var norms = 0.0
    private var squares = 0.0
    private var values = 0
    private var zeros = 0
    private var negatives = 0

    private static let blockRows = 256

    init() {}

    /// - Parameter threads: how many read at a time; the result is the same with any number.
    public init(_ features: StoredTensor, threads: Int) {
        let count = features.rowCount
        let blocks = (count + Self.blockRows - 1) / Self.blockRows
        var found = [FeatureScan](repeating: FeatureScan(), count: blocks)
        found.withUnsafeMutableBufferPointer { found in
            nonisolated(unsafe) let found = found
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: features.rowElements) { row in
                    for block in stride(from: thread, to: blocks, by: threads) {
                        for index in block * Self.blockRows..<min(count, (block + 1) * Self.blockRows) {
                            features.floats(row: index, into: row.baseAddress!)
                            found[block].add(UnsafeBufferPointer(row), row: index)
                        }
                    }
                }
            }
        }
        for block in found { add(block) }
    }

    private mutating func add(_ row: UnsafeBufferPointer<Float>, row index: Int) {
        rows += 1
        var (lanes, zeros, negatives) = (SIMD8<Float>.zero, SIMD8<Int32>.zero, SIMD8<Int32>.zero)
        let whole = row.count / 8 * 8
        for start in stride(from: 0, to: whole, by: 8) {
            let x = UnsafeRawPointer(row.baseAddress! + start).loadUnaligned(as: SIMD8<Float>.self)
            lanes += x * x
            zeros.replace(with: zeros &+ 1, where: x .== 0)
            negatives.replace(with: negatives &+ 1, where: x .< 0)
        }
        var square = Double(lanes.sum())
        var (zeroCount, negativeCount) = (Int(zeros.wrappedSum()), Int(negatives.wrappedSum()))
        for x in row[whole...] {
            square += Double(x) * Double(x)
            zeroCount += x == 0 ? 1 : 0
            negativeCount += x < 0 ? 1 : 0
        }
        // A finite row whose squares overflow is told from one with an infinity in it.
        if !square.isFinite, row.allSatisfy(\.isFinite) { square = row.reduce(0) { $0 + Double($1) * Double($1) } }
        guard square.isFinite else {
            nonFiniteRows += 1
            firstNonFiniteRow = firstNonFiniteRow ?? index
            return
        }
        values += row.count
        self.zeros += zeroCount
        self.negatives += negativeCount
        zeroRows += zeroCount == row.count ? 1 : 0
        let norm = square.squareRoot()
        norms += norm
        squares += square
        smallestNorm = min(smallestNorm, norm)
        largestNorm = max(largestNorm, norm)
    }

    /// Adds what the rows that follow tell.
    private mutating func add(_ next: FeatureScan) {
        rows += next.rows
        nonFiniteRows += next.nonFiniteRows
        firstNonFiniteRow = firstNonFiniteRow ?? next.firstNonFiniteRow
        zeroRows += next.zeroRows
        smallestNorm = min(smallestNorm, next.smallestNorm)
        largestNorm = max(largestNorm, next.largestNorm)
        norms += next.norms
        squares += next.squares
        values += next.values
        zeros += next.zeros
        negatives += next.negatives
    }
}
