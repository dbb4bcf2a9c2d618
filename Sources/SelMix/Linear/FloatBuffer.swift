/// A matrix that several threads fill together: memory that is not initialised, on a 64-byte boundary.
///
/// Nothing here checks that what they write does not overlap. A pointer into it is good as long as the buffer lives, so
/// whoever uses one holds the buffer as a parameter, or has it captured or stored.
final class FloatBuffer: @unchecked Sendable {
    private static let alignment = 64

    let pointer: UnsafeMutablePointer<Float>

    init(_ count: Int) {
        pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: Self.alignment)
            .bindMemory(to: Float.self, capacity: count)
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }

    static func + (buffer: FloatBuffer, offset: Int) -> UnsafeMutablePointer<Float> { buffer.pointer + offset }

    /// Memory for the duration of a call: some arrays of `count` numbers.
    static func withScratch<Result>(
        _ count: Int, _ arrays: Int, _ body: ([UnsafeMutablePointer<Float>]) throws -> Result
    ) rethrows -> Result {
        let size = (count * 4 + alignment - 1) / alignment * alignment
        return try withUnsafeTemporaryAllocation(byteCount: size * arrays, alignment: alignment) { bytes in
            try body((0..<arrays).map { (bytes.baseAddress! + $0 * size).bindMemory(to: Float.self, capacity: count) })
        }
    }
}
