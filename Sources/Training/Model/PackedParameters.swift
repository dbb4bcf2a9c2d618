import CKernels
import SelMix

/// Parameters in the precision that a worker computes in, at the layout's offsets.
public struct PackedParameters: Sendable {
    public let layout: ParameterLayout
    public let precision: Precision
    public let buffer: AlignedBuffer

    public init(layout: ParameterLayout, precision: Precision, buffer: AlignedBuffer) {
        precondition(buffer.byteCount == layout.count * precision.byteCount)
        (self.layout, self.precision, self.buffer) = (layout, precision, buffer)
    }

    /// Undefined values in memory of a pool.
    public init(layout: ParameterLayout, precision: Precision, from pool: BufferPool) {
        self.init(
            layout: layout, precision: precision, buffer: pool.buffer(byteCount: layout.count * precision.byteCount))
    }

    /// The same memory.
    public init(_ parameters: Parameters) {
        self.init(layout: parameters.layout, precision: .float32, buffer: parameters.buffer)
    }

    /// Rounded to nearest even, as the coordinator rounds what it sends.
    public func rounded(to wanted: Precision) -> PackedParameters {
        guard precision == .float32, wanted == .bfloat16 else { return self }
        let result = PackedParameters(
            layout: layout, precision: wanted, buffer: AlignedBuffer(byteCount: layout.count * wanted.byteCount))
        smx_float_to_bfloat(
            buffer.pointer.assumingMemoryBound(to: Float.self),
            result.buffer.pointer.assumingMemoryBound(to: UInt16.self), layout.count)
        return result
    }

    /// As master weights; nil unless they are float32.
    public var parameters: Parameters? {
        precision == .float32 ? Parameters(layout: layout, buffer: buffer) : nil
    }

    /// The values from a place in the flat buffer on.
    public func pointer(at offset: Int) -> UnsafeMutableRawPointer {
        buffer.pointer + offset * precision.byteCount
    }
}
