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
/// That is 8 K^3 + 4 K^2 d operations. Products are float32 on one thread; rows are cut into blocks whose size depends on
/// K alone, because a product cut at another row rounds differently.
public struct GainEstimator: Sendable {
    public var formula: GainFormula

    public init(formula: GainFormula = .paper) { self.formula = formula }

    /// Rows of G computed at a time.
    static func blockRows(classes: Int) -> Int { min(classes, 1024) }

    /// Below this sum of exponentials, terms may have underflowed, and the entry is computed again with logarithms.
    static let smallestTrustedSum: Float = 1e-30

    /// G [K, K].
    public func gain(_ input: GainInput) throws -> Matrix<Float> {
        let classes = input.classes
        let beta = Float(input.mixRatioMean)
        var logits = try input.classMeans.times(input.weight, transposingOther: true)
        logits.values.withUnsafeMutableBufferPointer { buffer in
            smx_add_bias(buffer.baseAddress!, input.bias, classes, classes)
        }
        let similarities = try input.classMeans.times(input.classMeans, transposingOther: true)
        let a = try similarities.times(input.gradient.map(Float.init))

        // F and F o A are needed whole; E and the products with it only for a block of rows.
        let f = exponentials(of: logits, rows: 0..<classes, scale: 1 - beta)
        let fa = elementwiseProduct(f, a, rows: 0..<classes)
        var gain = Matrix<Float>(rows: classes, columns: classes, repeating: 0)
        let block = Self.blockRows(classes: classes)
        for first in stride(from: 0, to: classes, by: block) {
            let rows = first..<min(first + block, classes)
            let e = exponentials(of: logits, rows: rows, scale: beta)
            let ea = elementwiseProduct(e, a, rows: rows)
            let n = try e.times(f, transposingOther: true)
            let labelPart = try ea.times(f, transposingOther: true)
            let mixedPart = try e.times(fa, transposingOther: true)
            for i in rows {
                let local = (i - first) * classes
                for j in 0..<classes {
                    let sum = n.values[local + j]
                    let expected =
                        if sum > Self.smallestTrustedSum {
                            (beta * labelPart.values[local + j] + (1 - beta) * mixedPart.values[local + j]) / sum
                        } else {
                            Self.expectation(logits: logits, a: a, i: i, j: j, beta: beta)
                        }
                    let own = formula == .paper ? beta * a[i, i] + (1 - beta) * a[j, i] : a[i, i]
                    gain.values[i * classes + j] = own - expected
                }
            }
        }
        return gain
    }

    /// T_ij / N_ij of one pair, with the exponentials taken relative to the pair's own largest logit.
    private static func expectation(logits: Matrix<Float>, a: Matrix<Float>, i: Int, j: Int, beta: Float) -> Float {
        let classes = logits.columns
        let mixed = (0..<classes).map { beta * logits[i, $0] + (1 - beta) * logits[j, $0] }
        var weights = [Float](repeating: 0, count: classes)
        mixed.withUnsafeBufferPointer {
            smx_exp_scaled($0.baseAddress!, smx_max($0.baseAddress!, classes), 1, &weights, classes)
        }
        var sum = 0.0
        var weighted = 0.0
        for l in 0..<classes {
            sum += Double(weights[l])
            weighted += Double(weights[l]) * Double(beta * a[i, l] + (1 - beta) * a[j, l])
        }
        return Float(weighted / sum)
    }

    /// exp(scale (S - rowmax)) of some rows.
    private func exponentials(of logits: Matrix<Float>, rows: Range<Int>, scale: Float) -> Matrix<Float> {
        let columns = logits.columns
        let values = [Float](unsafeUninitializedCapacity: rows.count * columns) { buffer, count in
            logits.values.withUnsafeBufferPointer { source in
                for (index, row) in rows.enumerated() {
                    let input = source.baseAddress! + row * columns
                    smx_exp_scaled(
                        input, smx_max(input, columns), scale, buffer.baseAddress! + index * columns, columns)
                }
            }
            count = rows.count * columns
        }
        return Matrix(rows: rows.count, columns: columns, values: values)
    }

    /// `block` (rows of a matrix) times the same rows of `other`, entry by entry.
    private func elementwiseProduct(_ block: Matrix<Float>, _ other: Matrix<Float>, rows: Range<Int>) -> Matrix<Float> {
        let count = block.values.count
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            other.values.withUnsafeBufferPointer { source in
                smx_multiply(
                    block.values, source.baseAddress! + rows.lowerBound * other.columns, buffer.baseAddress!, count)
            }
            initialized = count
        }
        return Matrix(rows: block.rows, columns: block.columns, values: values)
    }
}
