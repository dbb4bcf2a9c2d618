import Glibc

/// Memory of a fixed size that starts on a 64-byte boundary: a cache line, and the widest vector register.
///
/// A class, because it is shared: a gradient is written by a kernel, hashed, and handed to a socket that may still be
/// sending it when the writer has let go. Nothing here synchronises; whoever shares a buffer between threads decides who
/// may write when.
public final class AlignedBuffer: ByteOwner, @unchecked Sendable {
    public static let alignment = 64

    public let byteCount: Int
    /// Valid as long as the buffer lives; keep the buffer, not the pointer.
    public let pointer: UnsafeMutableRawPointer
    /// Who takes the memory back; nil where it is freed.
    private let pool: BufferPool?

    /// - Parameter zeroed: whether the memory starts as zeros; otherwise its content is undefined.
    public init(byteCount: Int, zeroed: Bool = false) {
        precondition(byteCount >= 0, "a buffer of \(byteCount) bytes")
        self.byteCount = byteCount
        pointer = Self.allocate(byteCount)
        pool = nil
        if zeroed { memset(pointer, 0, byteCount) }
    }

    /// Memory that a pool has lent.
    init(_ pointer: UnsafeMutableRawPointer, byteCount: Int, of pool: BufferPool) {
        (self.pointer, self.byteCount, self.pool) = (pointer, byteCount, pool)
    }

    /// At least one line, so that an empty buffer has an address of its own too.
    ///
    /// Where there is no memory, the process ends with what was wanted and what to do: whoever computes cannot go on without,
    /// and a run goes on from its checkpoint, or with the other workers.
    static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        // A whole number of lines, as C asks of aligned memory.
        let size = (max(byteCount, alignment) + alignment - 1) / alignment * alignment
        guard let pointer = aligned_alloc(alignment, size) else { OutOfMemory.end(byteCount) }
        return pointer
    }

    /// A copy of `bytes`.
    public convenience init(bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        mutableBytes.copyMemory(from: bytes)
    }

    deinit {
        if let pool { pool.takeBack(pointer, byteCount: byteCount) } else { free(pointer) }
    }

    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: byteCount) }
    public var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: pointer, count: byteCount)
    }

    /// The memory as float32 values, [byteCount / 4]; the byte count must be a multiple of 4.
    public func floats() -> UnsafeMutableBufferPointer<Float> { values(as: Float.self) }

    /// The memory as numbers of another type; the byte count must be a multiple of their size.
    public func values<Scalar: TensorScalar>(as type: Scalar.Type) -> UnsafeMutableBufferPointer<Scalar> {
        let size = MemoryLayout<Scalar>.stride
        precondition(byteCount.isMultiple(of: size), "\(byteCount) bytes are no whole number of \(Scalar.self)")
        return UnsafeMutableBufferPointer(
            start: pointer.bindMemory(to: type, capacity: byteCount / size), count: byteCount / size)
    }
}
