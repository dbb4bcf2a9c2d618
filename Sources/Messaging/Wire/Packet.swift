import Coordination

/// A message with its header and the tensors that travel beside it.
public struct Packet<Message: Sendable>: Sendable {
    public var header: Header
    public var message: Message
    public var tensors: [TensorFrame]

    public init(_ message: Message, header: Header, tensors: [TensorFrame] = []) {
        self.header = header
        self.message = message
        self.tensors = tensors
    }

    /// Of the tensors, which are all that counts.
    public var byteCount: UInt64 { tensors.reduce(0) { $0 + UInt64($1.bytes.count) } }
}

/// A tensor on the wire: a description in the header frame and one frame of raw little-endian values, row-major.
///
/// The bytes are never copied: a frame to send keeps its `owner` until ZeroMQ is done with it, a received one points into
/// ZeroMQ's own memory, which `owner` keeps.
public struct TensorFrame: @unchecked Sendable {
    public let name: String
    public let type: WireType
    public let shape: [Int]
    public let bytes: UnsafeRawBufferPointer
    public let owner: AnyObject & Sendable

    public init(
        name: String, type: WireType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable
    ) {
        // What comes off the wire has been compared with its description by then; what goes out is ours.
        precondition(
            bytes.count == shape.reduce(type.byteCount, *), "\(bytes.count) bytes for \(name) \(shape) \(type)")
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }
}

/// Types of values on the wire; raw values as in proto/selmix.proto.
public enum WireType: UInt32, Sendable {
    case float32 = 1
    case bfloat16 = 2
    case float64 = 3
    case int32 = 4
    case int64 = 5
    case bytes = 6

    public var byteCount: Int {
        switch self {
        case .bytes: 1
        case .bfloat16: 2
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }
}

/// What may not arrive: everything is checked against these before memory is set aside.
public struct WireLimits: Sendable {
    public var headerBytes = 1 << 20
    public var tensors = 16
    public var rank = 4
    public var nameBytes = 256
    public var tensorBytes: Int

    public init(tensorBytes: Int) { self.tensorBytes = tensorBytes }
}

/// Why a message from the network was dropped.
public struct WireError: Error, Equatable, CustomStringConvertible {
    public let reason: String
    public let rejection: Rejection
    public var description: String { reason }

    init(_ reason: String, as rejection: Rejection = .malformed) {
        self.reason = reason
        self.rejection = rejection
    }
}
