import CKernels
import Common
import Messaging
import Training

// Parameters and other buffers as tensors on the wire, and back.

extension Parameters {
    /// One frame a tensor; nothing is copied.
    var frames: [TensorFrame] {
        layout.entries.map { entry in
            TensorFrame(
                name: entry.name, type: .float32, shape: entry.shape,
                bytes: UnsafeRawBufferPointer(values(of: entry)), owner: buffer)
        }
    }

    /// Copies received tensors into new parameters of this layout.
    init(layout: ParameterLayout, copying frames: [TensorFrame]) {
        self.init(layout: layout)
        for (entry, frame) in zip(layout.entries, frames) {
            UnsafeMutableRawBufferPointer(values(of: entry)).copyMemory(from: frame.bytes)
        }
    }
}

extension [TensorFrame] {
    /// Whether these are exactly the tensors of a layout.
    func match(_ layout: ParameterLayout) -> Bool {
        count == layout.entries.count
            && zip(self, layout.entries).allSatisfy {
                $0.name == $1.name && $0.shape == $1.shape && $0.type == .float32
            }
    }

    subscript(named name: String) -> TensorFrame? { first { $0.name == name } }

    /// XXH3 over all frames in order, each seeded with the one before.
    var digest: UInt64 {
        reduce(0) { seed, frame in
            frame.bytes.baseAddress.map { smx_hash($0, frame.bytes.count, seed) } ?? seed
        }
    }
}

extension TensorFrame {
    init(name: String, bytes: [UInt8]) {
        let buffer = bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }
        self.init(name: name, type: .bytes, shape: [bytes.count], bytes: buffer.bytes, owner: buffer)
    }

    init(name: String, shape: [Int], int32 values: [Int32]) {
        let buffer = values.withUnsafeBytes { AlignedBuffer(bytes: $0) }
        self.init(name: name, type: .int32, shape: shape, bytes: buffer.bytes, owner: buffer)
    }

    init(name: String, shape: [Int], float64 buffer: AlignedBuffer) {
        self.init(name: name, type: .float64, shape: shape, bytes: buffer.bytes, owner: buffer)
    }

    /// The values, copied, which also takes care of a frame that lies unaligned in memory.
    func values<Value: BitwiseCopyable>(as type: Value.Type, zero: Value) -> [Value] {
        var values = [Value](repeating: zero, count: bytes.count / MemoryLayout<Value>.stride)
        values.withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
        return values
    }

    /// The values where they lie; copied only if they are not aligned for float32.
    var alignedFloats: (pointer: UnsafePointer<Float>, owner: AnyObject & Sendable) {
        let base = bytes.baseAddress!
        if Int(bitPattern: base) % 4 == 0 { return (base.assumingMemoryBound(to: Float.self), owner) }
        let copy = AlignedBuffer(bytes: bytes)
        return (UnsafePointer(copy.pointer.assumingMemoryBound(to: Float.self)), copy)
    }
}
