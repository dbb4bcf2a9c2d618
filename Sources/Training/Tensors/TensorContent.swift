/// A tensor to be written: what it is called, what it is, and where its bytes are.
public struct TensorContent: Sendable {
    public let name: String
    public let dataType: DataType
    public let shape: [Int]

    /// Hands out the bytes in order, in one piece or in many. A closure, so that arrays of any element type lend their memory
    /// without being copied, and large tensors need not be in memory at all.
    private let lend: @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    /// An array, whose element type says what is stored; as many values as `shape` asks for, row-major.
    public init<Scalar: TensorScalar>(name: String, shape: [Int], values: [Scalar]) {
        self.init(
            name: name, dataType: Scalar.dataType, shape: shape, byteCount: values.count * Scalar.dataType.byteCount
        ) {
            try values.withUnsafeBytes($0)
        }
    }

    /// Bytes as they are to be stored: row-major, little-endian.
    public init(name: String, dataType: DataType, shape: [Int], bytes: [UInt8]) {
        self.init(name: name, dataType: dataType, shape: shape, byteCount: bytes.count) {
            try bytes.withUnsafeBytes($0)
        }
    }

    /// A buffer that nobody changes until the tensor is written.
    public init(name: String, dataType: DataType, shape: [Int], buffer: AlignedBuffer) {
        self.init(name: name, dataType: dataType, shape: shape, byteCount: buffer.byteCount) { try $0(buffer.bytes) }
    }

    /// Borrowed memory, which the caller keeps alive and unchanged until the tensor is written.
    public init(name: String, dataType: DataType, shape: [Int], bytes: UnsafeRawBufferPointer) {
        // The pointer crosses threads under the caller's promise above.
        nonisolated(unsafe) let bytes = bytes
        self.init(name: name, dataType: dataType, shape: shape, byteCount: bytes.count) { try $0(bytes) }
    }

    /// A tensor that is made while it is written.
    ///
    /// - Parameter stream: calls its argument with one piece of the bytes after the other; as many in all as type and shape
    ///   ask for.
    public init(
        name: String, dataType: DataType, shape: [Int],
        stream: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        let expected = dataType.byteCount(of: shape)
        self.init(name: name, dataType: dataType, shape: shape, byteCount: expected ?? -1) { write in
            var count = 0
            try stream { piece in
                count += piece.count
                try write(piece)
            }
            precondition(count == expected, "\(count) bytes for the tensor \(name), \(dataType.rawValue) \(shape)")
        }
    }

    private init(
        name: String, dataType: DataType, shape: [Int], byteCount: Int,
        lend: @escaping @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        precondition(
            dataType.byteCount(of: shape) == byteCount,
            "\(byteCount) bytes for the tensor \(name), \(dataType.rawValue) \(shape)")
        self.name = name
        self.dataType = dataType
        self.shape = shape
        self.lend = lend
    }

    var byteCount: Int { dataType.byteCount(of: shape)! }

    func withBytes(_ body: (UnsafeRawBufferPointer) throws -> Void) throws { try lend(body) }
}
