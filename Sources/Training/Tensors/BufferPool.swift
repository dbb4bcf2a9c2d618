import Glibc
import Synchronization

/// Lends buffers and takes them back when their last user lets go, so that a training step allocates no large memory: new
/// memory costs a page fault for every 4 kB, and a gradient has thousands of pages. From any thread.
public final class BufferPool: Sendable {
    private struct Spare: @unchecked Sendable {
        var pointers: [UnsafeMutableRawPointer] = []
    }

    /// By size in bytes.
    private let spares = Mutex<[Int: Spare]>([:])
    /// Spare buffers of one size that are kept; more are freed.
    private let limit: Int

    public init(keeping limit: Int = 64) { self.limit = limit }

    deinit {
        spares.withLock { spares in
            for pointer in spares.values.flatMap(\.pointers) { free(pointer) }
        }
    }

    /// A buffer of undefined content.
    public func buffer(byteCount: Int) -> AlignedBuffer {
        let spare = spares.withLock { $0[byteCount]?.pointers.popLast().map { UInt(bitPattern: $0) } }
        let pointer = spare.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } ?? AlignedBuffer.allocate(byteCount)
        return AlignedBuffer(pointer, byteCount: byteCount, of: self)
    }

    func takeBack(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
        let address = UInt(bitPattern: pointer)
        let isKept = spares.withLock { spares in
            guard spares[byteCount, default: Spare()].pointers.count < limit else { return false }
            spares[byteCount, default: Spare()].pointers.append(UnsafeMutableRawPointer(bitPattern: address)!)
            return true
        }
        if !isKept { free(pointer) }
    }
}
