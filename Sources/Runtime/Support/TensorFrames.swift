import CKernels
import Common
import Messaging
import SelMix
import Training

// Parameters and other buffers as tensors on the wire, and back.

extension ParameterLayout {
    /// How a tensor, or some rows of it, is described on the wire.
    func shape(of slice: Slice) -> [Int] { [slice.rows.count] + entries[slice.entry].shape.dropFirst() }

    /// A slice of a buffer that holds it alone.
    func frame(of slice: Slice, _ precision: Precision, in buffer: AlignedBuffer) -> TensorFrame {
        TensorFrame(
            name: entries[slice.entry].name, type: precision.wireType, shape: shape(of: slice), bytes: buffer.bytes,
            owner: buffer)
    }

    /// A slice that is in one frame, piece by piece; nothing is copied.
    func pieces(of slice: Int, _ frame: TensorFrame) -> [TensorFrame] {
        pieces[piecesOfSlice[slice]].map { piece in
            TensorFrame(
                name: frame.name, type: frame.type, shape: shape(of: piece), bytes: bytes(of: piece, in: slice, frame),
                owner: frame.owner)
        }
    }

    private func bytes(of piece: Slice, in slice: Int, _ frame: TensorFrame) -> UnsafeRawBufferPointer {
        let start = (piece.offset - slices[slice].offset) * frame.type.byteCount
        return UnsafeRawBufferPointer(rebasing: frame.bytes[start..<start + piece.count * frame.type.byteCount])
    }

    /// What stands for a slice in the digest of what it belongs to: the digests of its pieces.
    func digests(of slice: Int, _ frame: TensorFrame) -> [UInt64] {
        pieces[piecesOfSlice[slice]].map { piece in
            let bytes = bytes(of: piece, in: slice, frame)
            return smx_hash(bytes.baseAddress!, bytes.count, 0)
        }
    }

    /// Whether a received tensor is this slice.
    func matches(_ slice: Slice, _ frame: TensorFrame, _ precision: Precision) -> Bool {
        frame.name == entries[slice.entry].name && frame.shape == shape(of: slice) && frame.type == precision.wireType
    }

    /// Whether received tensors are the ones that are not sliced.
    func matchesWhole(_ frames: [TensorFrame], _ precision: Precision) -> Bool {
        frames.count == whole.count
            && zip(frames, whole).allSatisfy { frame, index in
                frame.name == entries[index].name && frame.shape == entries[index].shape
                    && frame.type == precision.wireType
            }
    }
}

extension PackedParameters {
    /// A slice where it lies; nothing is copied.
    func frame(of slice: ParameterLayout.Slice) -> TensorFrame {
        frame(name: layout.entries[slice.entry].name, layout.shape(of: slice), offset: slice.offset)
    }

    /// The tensors that are not sliced, where they lie.
    var wholeFrames: [TensorFrame] {
        layout.whole.map { index in
            let entry = layout.entries[index]
            return frame(name: entry.name, entry.shape, offset: entry.offset)
        }
    }

    private func frame(name: String, _ shape: [Int], offset: Int) -> TensorFrame {
        TensorFrame(
            name: name, type: precision.wireType, shape: shape,
            bytes: UnsafeRawBufferPointer(
                start: pointer(at: offset), count: shape.reduce(precision.byteCount, *)), owner: buffer)
    }
}

extension Precision {
    var wireType: WireType { self == .bfloat16 ? .bfloat16 : .float32 }
}

extension [TensorFrame] {
    subscript(named name: String) -> TensorFrame? { first { $0.name == name } }

    /// Over the digests of all frames in order.
    var digest: UInt64 { map(\.digest).combined }
}

extension [UInt64] {
    /// XXH3 over digests as little-endian words. So tensors that go different ways are digested one by one, in any order.
    var combined: UInt64 {
        map(\.littleEndian).withUnsafeBytes { bytes in bytes.baseAddress.map { smx_hash($0, bytes.count, 0) } ?? 0 }
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

    init(name: String, shape: [Int], int64 values: [Int64]) {
        let buffer = values.withUnsafeBytes { AlignedBuffer(bytes: $0) }
        self.init(name: name, type: .int64, shape: shape, bytes: buffer.bytes, owner: buffer)
    }

    init(name: String, buffer: AlignedBuffer) {
        self.init(name: name, type: .bytes, shape: [buffer.bytes.count], bytes: buffer.bytes, owner: buffer)
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

    /// XXH3 of the bytes.
    var digest: UInt64 { bytes.baseAddress.map { smx_hash($0, bytes.count, 0) } ?? 0 }

    /// The same tensor, aligned for its type; copied only if it was not.
    var aligned: TensorFrame {
        guard Int(bitPattern: bytes.baseAddress) % type.byteCount != 0 else { return self }
        let copy = AlignedBuffer(bytes: bytes)
        return TensorFrame(name: name, type: type, shape: shape, bytes: copy.bytes, owner: copy)
    }
}
