import CZeroMQ
import Common

/// A plain PUSH or PULL socket that moves bytes and nothing else: what ZeroMQ itself reaches, for benchmarks to compare with.
/// Unlike ``Socket`` it blocks.
public final class RawStream {
    private let handle: UnsafeMutableRawPointer
    private let context: MessagingContext

    /// The receiving end.
    public init(bindingTo address: String, context: MessagingContext, queueLength: Int) throws {
        handle = try Self.open(ZMQ_PULL, context)
        self.context = context
        Self.limit(handle, ZMQ_RCVHWM, queueLength)
        guard zmq_bind(handle, address) == 0 else { throw SelMixError.zeroMQ("cannot listen on \(address)") }
    }

    /// The sending end.
    public init(connectingTo address: String, context: MessagingContext, queueLength: Int) throws {
        handle = try Self.open(ZMQ_PUSH, context)
        self.context = context
        Self.limit(handle, ZMQ_SNDHWM, queueLength)
        guard zmq_connect(handle, address) == 0 else { throw SelMixError.zeroMQ("cannot connect to \(address)") }
    }

    deinit { zmq_close(handle) }

    /// Waits for room in the queue; the bytes go out from where they are.
    ///
    /// - Parameter owner: kept until ZeroMQ is done with the bytes.
    public func send(_ bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable) {
        var message = zmq_msg_t()
        zmq_msg_init_data(
            &message, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
            { _, owner in Unmanaged<AnyObject>.fromOpaque(owner!).release() },
            Unmanaged.passRetained(owner as AnyObject).toOpaque())
        if zmq_msg_send(&message, handle, 0) < 0 { zmq_msg_close(&message) }
    }

    /// The length of the next message; nil when none comes in time.
    public func receive(within limit: Duration) -> Int? {
        var milliseconds = Int32(saturating: limit.seconds * 1000)
        zmq_setsockopt(handle, ZMQ_RCVTIMEO, &milliseconds, MemoryLayout<Int32>.size)
        var message = zmq_msg_t()
        zmq_msg_init(&message)
        defer { zmq_msg_close(&message) }
        let length = zmq_msg_recv(&message, handle, 0)
        return length < 0 ? nil : Int(length)
    }

    private static func open(_ type: Int32, _ context: MessagingContext) throws -> UnsafeMutableRawPointer {
        guard let handle = zmq_socket(context.handle, type) else {
            throw SelMixError.zeroMQ("no ZeroMQ socket could be made")
        }
        return handle
    }

    private static func limit(_ handle: UnsafeMutableRawPointer, _ option: Int32, _ value: Int) {
        var value = Int32(value)
        zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
        // What is unsent at the end is of no use to anybody.
        var linger = Int32(0)
        zmq_setsockopt(handle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
    }
}
