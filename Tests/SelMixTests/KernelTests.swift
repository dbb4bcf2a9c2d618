import CKernels
import Common
import Foundation
import SelMix
import Testing

/// Each kernel against its scalar definition.
@Suite struct KernelTests {
    static func random(_ count: Int, scale: Double = 1, lane: UInt32 = 0) -> [Float] {
        let philox = Philox(seed: 99)
        return (0..<count).map {
            Float((philox.block(.probe, index: 1, slot: $0, lane: lane).low.unitInterval * 2 - 1) * scale)
        }
    }

    @Test func exponentials() {
        let x = (-900...890).map { Float($0) / 10 } + Self.random(5000, scale: 87) + [0, -0.0]
        var y = [Float](repeating: 0, count: x.count)
        smx_exp(x, &y, x.count)
        for (x, y) in zip(x, y) {
            let exact = exp(Double(x))
            if x < -87.3 {
                #expect(y == 0)
            } else if x <= 88.7 {
                #expect(abs(Double(y) - exact) <= 2e-7 * exact, "exp(\(x))")
            }
        }
    }

    @Test(arguments: [(1, 1, 1), (3, 5, 7), (16, 64, 31), (130, 33, 257)])
    func products(m: Int, n: Int, k: Int) throws {
        let a = Matrix(rows: m, columns: k, values: Self.random(m * k))
        let b = Matrix(rows: k, columns: n, values: Self.random(k * n, lane: 1))
        func transposed(_ matrix: Matrix<Float>) -> Matrix<Float> {
            var result = Matrix<Float>(rows: matrix.columns, columns: matrix.rows, repeating: 0)
            for r in 0..<matrix.rows { for c in 0..<matrix.columns { result[c, r] = matrix[r, c] } }
            return result
        }
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
            let c = try (transposeA ? transposed(a) : a).times(
                transposeB ? transposed(b) : b, transposingSelf: transposeA, transposingOther: transposeB)
            for i in 0..<m {
                for j in 0..<n {
                    let exact = (0..<k).reduce(0.0) { $0 + Double(a[i, $1]) * Double(b[$1, j]) }
                    #expect(abs(Double(c[i, j]) - exact) < 1e-5 * Double(k).squareRoot())
                }
            }
        }
    }

    @Test(arguments: [(1, 0), (0.7, 0), (1, 0.98), (0.6, 0.1)] as [(Float, Float)])
    func softmaxCrossEntropy(ratio: Float, smoothing: Float) {
        for count in [10, 16, 33] {
            let logits = Self.random(count, scale: 20)
            var row = logits
            let target = smx_target(label: 3, partner: 7, ratio: ratio, smoothing: smoothing)
            let loss = smx_softmax_cross_entropy(&row, count, target, 0.25)
            let largest = Double(logits.max()!)
            let sum = logits.reduce(0.0) { $0 + exp(Double($1) - largest) }
            var expected = 0.0
            for c in 0..<count {
                let p = exp(Double(logits[c]) - largest) / sum
                let hard = c == 3 ? Double(ratio) : c == 7 ? 1 - Double(ratio) : 0
                let wanted = (1 - Double(smoothing)) * hard + Double(smoothing) / Double(count)
                #expect(abs(Double(row[c]) - 0.25 * (p - wanted)) < 1e-6)
                expected -= wanted * (Double(logits[c]) - largest - log(sum))
            }
            #expect(abs(loss - expected) < 1e-5)
        }
    }

    @Test func softmax() {
        for count in [2, 16, 41] {
            let logits = Self.random(count, scale: 20)
            var row = logits
            smx_softmax(&row, count)
            let sum = logits.reduce(0.0) { $0 + exp(Double($1)) }
            #expect(zip(logits, row).allSatisfy { abs(Double($1) - exp(Double($0)) / sum) < 1e-6 })
        }
    }

    @Test func largestAndItsFirstIndex() {
        for count in [1, 15, 16, 17, 100] {
            var row = Self.random(count)
            #expect(smx_max(row, count) == row.max())
            row[count / 2] = 7
            row[count - 1] = 7
            #expect(smx_argmax(row, count) == count / 2)
        }
    }

    @Test func finiteness() {
        for bad in [Float.nan, .infinity, -.infinity] {
            var x = Self.random(1000)
            #expect(smx_all_finite(x, x.count))
            x[777] = bad
            #expect(!smx_all_finite(x, x.count))
        }
    }

    /// Every upper half, with lower halves around the ties: the nearest value, and the even one of two.
    @Test func bfloat16IsTheNearestAndEven() {
        for upper in stride(from: UInt32(0), to: 1 << 16, by: 1) {
            let inputs = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map { Float(bitPattern: upper << 16 | $0) }
            var bits = [UInt16](repeating: 0, count: inputs.count)
            smx_float_to_bfloat(inputs, &bits, inputs.count)
            for (input, bits) in zip(inputs, bits) {
                let result = Float(bitPattern: UInt32(bits) << 16)
                guard !input.isNaN else {
                    #expect(result.isNaN)
                    continue
                }
                let low = UInt32(input.bitPattern & 0xffff)
                let up = low > 0x8000 || (low == 0x8000 && upper & 1 == 1)
                #expect(bits == UInt16(truncatingIfNeeded: upper + (up ? 1 : 0)))
            }
        }
    }

    @Test func aDigestInPiecesIsTheDigestOfAll() {
        let bytes = Self.random(5000)
        bytes.withUnsafeBytes { bytes in
            for sizes in [[20_000], [1, 19_999], [7, 4093, 15_900], [255, 256, 257, 19_232]] {
                let hasher = smx_hasher_create()!
                var start = 0
                for size in sizes {
                    smx_hasher_update(hasher, bytes.baseAddress! + start, size)
                    start += size
                }
                #expect(smx_hasher_digest(hasher) == smx_hash(bytes.baseAddress!, bytes.count, 0))
                smx_hasher_destroy(hasher)
            }
        }
    }

    @Test func columnsAreCutIntoDenseBlocks() {
        let matrix = (0..<3 * 7).map(Float.init)
        var blocks = [Float](repeating: -1, count: 21)
        smx_cut_columns(matrix, 3, 7, 3, SMX_FLOAT32, &blocks)
        #expect(blocks == [0, 1, 2, 7, 8, 9, 14, 15, 16, 3, 4, 5, 10, 11, 12, 17, 18, 19, 6, 13, 20])
    }

    @Test func sgdIsPyTorchs() {
        let count = 37
        let (w, g) = (Self.random(count), Self.random(count, lane: 1))
        var v = Self.random(count, lane: 2)
        let before = v
        var out = [Float](repeating: 0, count: count)
        smx_sgd(w, before, g, &out, &v, 0.1, 0.9, 0.01, count)
        for i in 0..<count {
            let velocity = 0.9 * before[i] + (g[i] + 0.01 * w[i])
            #expect(abs(v[i] - velocity) < 1e-6)
            #expect(abs(out[i] - (w[i] - 0.1 * velocity)) < 1e-6)
        }
    }
}
