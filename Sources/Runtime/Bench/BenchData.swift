import CKernels
import Common
import Coordination
import SelMix
import Training

/// Made-up inputs of a given shape for the program's own figures.
enum BenchData {
    /// Uniform in [-scale, scale].
    static func matrix(rows: Int, columns: Int, scale: Float, lane: UInt32) -> Matrix<Float> {
        let philox = Philox(seed: 1)
        let values = (0..<rows * columns).map { index in
            Float(philox.block(.synthesis, index: 0, slot: index, lane: lane).low.unitInterval * 2 - 1) * scale
        }
        return Matrix(rows: rows, columns: columns, values: values)
    }

    /// The least time of several runs, after one that does not count: what the machine can do when nobody else disturbs.
    /// Runs end when they have taken `budget` seconds; a single one that takes longer counts.
    static func leastSeconds(repeats: Int = 5, budget: Double = 10, _ body: () throws -> Void) rethrows -> Double {
        var least = Double.infinity
        var spent = 0.0
        for run in 0...repeats where spent < budget {
            let start = SystemClock.now
            try body()
            let seconds = (SystemClock.now - start).seconds
            spent += seconds
            if run > 0 || spent >= budget { least = min(least, seconds) }
        }
        return least
    }

    enum ProductType { case float32, bfloat16 }

    /// The rate of a product of this shape on one thread.
    static func productGflops(_ shape: MatrixProduct.Shape, type: ProductType) throws -> Double {
        var description = smx_product_shape()
        (description.m, description.n, description.k) = (Int64(shape.m), Int64(shape.n), Int64(shape.k))
        (description.transposed_a, description.transposed_b) = (shape.transposedA, shape.transposedB)
        description.type = type == .float32 ? SMX_FLOAT32 : SMX_BFLOAT16
        var handle: OpaquePointer?
        var status = smx_product_create(&handle, description)
        defer { smx_product_destroy(handle) }
        // Zeros would do for the time, but numbers draw the power that numbers draw.
        func operand(_ count: Int) -> AlignedBuffer {
            let buffer = AlignedBuffer(byteCount: count * 4)
            for (index, place) in buffer.floats().indices.enumerated() {
                buffer.floats()[place] = Float(index % 1000) * 0.001 - 0.5
            }
            guard type == .bfloat16 else { return buffer }
            // The upper half of a float32 is a bfloat16.
            let halves = AlignedBuffer(byteCount: count * 2)
            for index in 0..<count {
                halves.values(as: UInt16.self)[index] = UInt16(
                    truncatingIfNeeded: buffer.floats()[index].bitPattern >> 16)
            }
            return halves
        }
        let (a, b) = (operand(shape.m * shape.k), operand(shape.k * shape.n))
        let c = AlignedBuffer(byteCount: shape.m * shape.n * 4, zeroed: true)
        let repeats = max(1, 200_000_000 / (shape.m * shape.n * shape.k))
        let seconds = leastSeconds {
            for _ in 0..<repeats where status == 0 {
                status = smx_product_run(handle!, a.pointer, b.pointer, c.floats().baseAddress!)
            }
        }
        guard status == 0 else {
            throw SelMixError(
                .failed, "oneDNN cannot compute a product of \(shape)", cause: String(cString: smx_status_name(status)))
        }
        return 2 * Double(shape.m * shape.n * shape.k) * Double(repeats) / seconds / 1e9
    }
}
