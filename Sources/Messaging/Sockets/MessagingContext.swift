import CZeroMQ
import Common

/// ZeroMQ's context: its I/O threads. One a process.
public final class MessagingContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    public init(ioThreads: Int = 1) throws {
        guard let handle = zmq_ctx_new() else { throw SelMixError.zeroMQ("no ZeroMQ context could be made") }
        zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(ioThreads))
        self.handle = handle
    }

    /// All sockets must be closed before; waits for what they linger on.
    deinit { zmq_ctx_term(handle) }
}

extension SelMixError {
    /// An error with what ZeroMQ says about the last failed call.
    static func zeroMQ(_ message: String, code: Code = .failed, hint: String? = nil) -> SelMixError {
        SelMixError(code, message, hint: hint, cause: String(cString: zmq_strerror(zmq_errno())))
    }
}
