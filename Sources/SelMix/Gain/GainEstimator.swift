import CKernels
import Common

/// The gain of every class pair, exactly, by a handful of matrix products.
///
/// Written out, the gain has K^4 terms. But p_ij,l is proportional to E_il F_jl, with S = Z W^T + b,
/// E = exp(beta (S - rowmax)) and F = exp((1 - beta)(S - rowmax)), and the sum over k is A = (Z Z^T) D. So with o the
/// element-wise product
///
///     N = E F^T,   T = beta (E o A) F^T + (1 - beta) E (F o A)^T,   G_ij = beta A_ii + (1 - beta) A_ji - T_ij / N_ij.
///
/// That is 8 K^3 + 4 K^2 d operations. S, A and G are whole; E, F and what follows from them only for one tile of G at a
/// time, as exponentials cost little beside products: 3 matrices of K^2, some 800 MB at 8142 classes, in place of nine.
///
/// Products are float32 on one thread; the classes are cut into blocks whose size depends on K alone, because a product cut
/// at another row may round differently. Who computes a block does not show.
public struct GainEstimator: Sendable {
    public var formula: GainFormula
    /// The most rows and columns of a tile.
    var tileSide = 512

    public init(formula: GainFormula = .paper) { self.formula = formula }

    /// Below this sum of exponentials, terms may have underflowed, and the entry is computed again with logarithms.
    static let smallestTrustedSum: Float = 1e-30

    /// The classes in blocks of about the same size.
    func blocks(classes: Int) -> [Range<Int>] {
        let count = (classes + tileSide - 1) / tileSide
        let size = (classes + count - 1) / count
        return stride(from: 0, to: classes, by: size).map { $0..<min($0 + size, classes) }
    }

    /// G [K, K].
    ///
    /// - Parameter loop: who computes the rows of which block.
    public func gain(_ input: GainInput, loop: BlockLoop = .serial) throws -> Matrix<Float> {
        let classes = input.classes
        let blocks = blocks(classes: classes)
        let factors = try GainFactors(input, blocks: blocks, loop: loop)
        let values = try [Float](unsafeUninitializedCapacity: classes * classes) { buffer, count in
            nonisolated(unsafe) let gain = buffer.baseAddress!
            try loop(blocks.count) { index in
                try fill(gain, rows: blocks[index], blocks, factors, beta: Float(input.mixRatioMean))
            }
            count = classes * classes
        }
        return Matrix(rows: classes, columns: classes, values: values)
    }

    /// Computes some rows of G, tile by tile.
    private func fill(
        _ gain: UnsafeMutablePointer<Float>, rows: Range<Int>, _ blocks: [Range<Int>], _ factors: GainFactors,
        beta: Float
    ) throws {
        let classes = factors.classes
        try FloatBuffer.withScratch(rows.count * classes, 2) { e in
            Self.exponentials(factors, rows, scale: beta, into: e)
            for columns in blocks {
                try FloatBuffer.withScratch(columns.count * classes, 2) { f in
                    Self.exponentials(factors, columns, scale: 1 - beta, into: f)
                    try tile(gain, rows, columns, factors, e: e, f: f, beta: beta)
                }
            }
        }
    }

    /// exp(scale (S - rowmax)) of some rows, and the same times A entry by entry.
    private static func exponentials(
        _ factors: GainFactors, _ rows: Range<Int>, scale: Float, into result: [UnsafeMutablePointer<Float>]
    ) {
        let classes = factors.classes
        for row in rows {
            let local = (row - rows.lowerBound) * classes
            smx_exp_scaled_times(
                factors.logits + row * classes, factors.largest.pointer[row], scale,
                factors.influence + row * classes, result[0] + local, result[1] + local, classes)
        }
    }

    /// Computes one tile of G.
    ///
    /// - Parameters:
    ///   - e: E and E o A of the rows.
    ///   - f: F and F o A of the columns.
    private func tile(
        _ gain: UnsafeMutablePointer<Float>, _ rows: Range<Int>, _ columns: Range<Int>, _ factors: GainFactors,
        e: [UnsafeMutablePointer<Float>], f: [UnsafeMutablePointer<Float>], beta: Float
    ) throws {
        let classes = factors.classes
        let doubtful = try FloatBuffer.withScratch(rows.count * columns.count, 3) { parts in
            let product = try MatrixProduct(.init(m: rows.count, n: columns.count, k: classes, transposedB: true))
            try product(e[0], f[0], into: parts[0])
            try product(e[1], f[0], into: parts[1])
            try product(e[0], f[1], into: parts[2])
            let terms = smx_gain_terms(
                sum: parts[0], label: parts[1], mixed: parts[2], own: factors.own + rows.lowerBound,
                other: factors.influence + (columns.lowerBound * classes + rows.lowerBound), stride: classes,
                beta: beta, own_only: formula == .reference, smallest: Self.smallestTrustedSum)
            return smx_gain_tile(
                terms, gain + (rows.lowerBound * classes + columns.lowerBound), classes, rows.count, columns.count)
        }
        guard doubtful > 0 else { return }
        for i in rows {
            for j in columns where gain[i * classes + j].isNaN {
                gain[i * classes + j] = entry(factors, i, j, beta: beta)
            }
        }
    }

    /// G_ij of one pair, with the exponentials taken relative to the pair's own largest logit.
    private func entry(_ factors: GainFactors, _ i: Int, _ j: Int, beta: Float) -> Float {
        let classes = factors.classes
        let (si, sj) = (factors.logits + i * classes, factors.logits + j * classes)
        let (ai, aj) = (factors.influence + i * classes, factors.influence + j * classes)
        var weights = (0..<classes).map { beta * si[$0] + (1 - beta) * sj[$0] }
        let largest = smx_max(weights, classes)
        weights.withUnsafeMutableBufferPointer { smx_exp_scaled($0.baseAddress!, largest, 1, $0.baseAddress!, classes) }
        var sum = 0.0
        var weighted = 0.0
        for l in 0..<classes {
            sum += Double(weights[l])
            weighted += Double(weights[l]) * Double(beta * ai[l] + (1 - beta) * aj[l])
        }
        let own = formula == .paper ? beta * ai[i] + (1 - beta) * aj[i] : ai[i]
        return own - Float(weighted / sum)
    }
}
