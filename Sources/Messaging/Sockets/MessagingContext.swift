import CZeroMQ
import Common

/// ZeroMQ's context: its I/O threads. One a process.
public final class MessagingContext: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer

    public init(ioThreads: Int = 1) throws {
        // ZeroMQ starts its threads with the first socket, and ends the process where it cannot. So it is asked beforehand
        // whether it can, and does it here.
        try OpenFiles.require(Self.descriptors + 2 * ioThreads, for: "ZeroMQ")
        try SystemThread.require(1 + ioThreads)
        guard let handle = zmq_ctx_new() else { throw SelMixError.zeroMQ("no ZeroMQ context could be made") }
        zmq_ctx_set(handle, ZMQ_IO_THREADS, Int32(ioThreads))
        guard let first = zmq_socket(handle, ZMQ_PAIR) else {
            let error = SelMixError.zeroMQ("no ZeroMQ socket could be made")
            zmq_ctx_term(handle)
            throw error
        }
        zmq_close(first)
        self.handle = handle
    }

    /// What a context opens for itself with its first socket: two pollers' worth, and a mailbox for each.
    private static let descriptors = 8

    /// All sockets must be closed before; waits for what they linger on.
    deinit { zmq_ctx_term(handle) }
}

extension SelMixError {
    /// An error with what ZeroMQ says about the last failed call.
    static func zeroMQ(_ message: String, code: Code = .failed, hint: String? = nil) -> SelMixError {
        let number = zmq_errno()
        return SelMixError(
            code, message, hint: SystemHint.text(for: number) ?? hint, cause: String(cString: zmq_strerror(number)))
    }
}
