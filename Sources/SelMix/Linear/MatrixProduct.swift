import CKernels
import Common

/// One matrix product of fixed shape, C = A B or C += A B, on one thread of oneDNN.
///
/// Its result is a function of the shape and the operands alone, for one instruction set; that is what makes a shard's
/// gradient independent of the worker that computes it. A product holds scratch state: use it from one thread at a time.
public final class MatrixProduct {
    public struct Shape: Hashable, Sendable {
        /// C is [m, n], A is [m, k], B is [k, n].
        public var m: Int, n: Int, k: Int
        /// A is stored as [k, m].
        public var transposedA = false
        /// B is stored as [n, k].
        public var transposedB = false
        /// Adds to C instead of overwriting it.
        public var accumulates = false
        /// Of A and B.
        public var inputs = Precision.float32
        /// Of C; summed in float32 in any case, and rounded once.
        public var output = Precision.float32

        public init(
            m: Int, n: Int, k: Int, transposedA: Bool = false, transposedB: Bool = false, accumulates: Bool = false,
            inputs: Precision = .float32, output: Precision = .float32
        ) {
            (self.m, self.n, self.k) = (m, n, k)
            (self.transposedA, self.transposedB, self.accumulates) = (transposedA, transposedB, accumulates)
            (self.inputs, self.output) = (inputs, output)
        }
    }

    public let shape: Shape
    private let handle: OpaquePointer

    public init(_ shape: Shape) throws {
        var handle: OpaquePointer?
        let status = smx_product_create(
            &handle,
            smx_product_shape(
                m: Int64(shape.m), n: Int64(shape.n), k: Int64(shape.k), transposed_a: shape.transposedA,
                transposed_b: shape.transposedB, type: shape.inputs.kernelType, output: shape.output.kernelType,
                accumulate: shape.accumulates))
        guard status == 0, let handle else { throw Self.error(status, shape) }
        self.handle = handle
        self.shape = shape
    }

    deinit { smx_product_destroy(handle) }

    /// Runs the product. The caller answers for the operands having the shape's sizes and types.
    public func callAsFunction(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, into c: UnsafeMutableRawPointer) throws {
        let status = smx_product_run(handle, a, b, c)
        guard status == 0 else { throw Self.error(status, shape) }
    }

    private static func error(_ status: Int32, _ shape: Shape) -> SelMixError {
        SelMixError(
            .failed, "oneDNN cannot compute a [\(shape.m), \(shape.k)] x [\(shape.k), \(shape.n)] product",
            hint:
                "check the free memory, and that oneDNN \(String(cString: smx_onednn_version())) supports this processor",
            cause: String(cString: smx_status_name(status)))
    }
}

extension Matrix where Scalar == Float {
    /// `self` times `other`, where either may be given transposed.
    public func times(
        _ other: Matrix<Float>, transposingSelf: Bool = false, transposingOther: Bool = false
    ) throws -> Matrix<Float> {
        let (m, k) = transposingSelf ? (columns, rows) : (rows, columns)
        let (inner, n) = transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
        precondition(k == inner, "a product of [\(m), \(k)] and [\(inner), \(n)]")
        let product = try MatrixProduct(
            .init(m: m, n: n, k: k, transposedA: transposingSelf, transposedB: transposingOther))
        let result = try [Float](unsafeUninitializedCapacity: m * n) { buffer, count in
            guard let output = buffer.baseAddress else { return }
            try values.withUnsafeBufferPointer { a in
                try other.values.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress else { return }
                    try product(a, b, into: output)
                }
            }
            count = m * n
        }
        return Matrix(rows: m, columns: n, values: result)
    }
}
