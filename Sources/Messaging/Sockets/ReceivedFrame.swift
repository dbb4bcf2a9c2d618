import CZeroMQ
import Coordination

/// One frame as ZeroMQ received it, in ZeroMQ's memory.
public final class ReceivedFrame: @unchecked Sendable {
    private let message: UnsafeMutablePointer<zmq_msg_t>

    init() {
        message = .allocate(capacity: 1)
        zmq_msg_init(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    public var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
    }

    var hasMore: Bool { zmq_msg_more(message) != 0 }

    /// The name of the key that the sender proved; nil where no keys are in use.
    var keyName: KeyName? {
        // ZeroMQ's name for what ``Doorkeeper`` answered.
        zmq_msg_gets(message, "User-Id").flatMap { KeyName(String(cString: $0)) }
    }

    /// The descriptor of the connection that it came by; nil where that is not known.
    var connection: Int32? {
        let descriptor = zmq_msg_get(message, ZMQ_SRCFD)
        return descriptor < 0 ? nil : descriptor
    }

    /// - Returns: false when nothing is there.
    func receive(from socket: UnsafeMutableRawPointer) -> Bool {
        zmq_msg_recv(message, socket, ZMQ_DONTWAIT) >= 0
    }
}
