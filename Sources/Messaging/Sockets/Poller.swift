import CZeroMQ
import Common
import Coordination
import Glibc

/// Wakes a thread that waits in ``Poller/wait(_:wake:timeout:)``, from any thread.
public final class WakeSignal: Sendable {
    let descriptor: Int32

    /// - Throws: `failed` where the process may open nothing more.
    public init() throws {
        descriptor = selmix_eventfd()
        guard descriptor >= 0 else {
            let code = errno
            throw SelMixError(
                .failed, "no event descriptor can be made", hint: SystemHint.text(for: code),
                cause: String(cString: strerror(code)))
        }
    }

    deinit { close(descriptor) }

    public func raise() { eventfd_write(descriptor, 1) }

    func clear() {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
    }
}

public enum Poller {
    /// Waits until one of the sockets can be read, the signal is raised, or time is up.
    public static func wait(_ sockets: [Socket], wake: WakeSignal, timeout: Duration?) {
        var items = sockets.map { zmq_pollitem_t(socket: $0.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0) }
        items.append(zmq_pollitem_t(socket: nil, fd: wake.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        // Rounded up, so that a deadline has passed when the wait ends.
        let milliseconds = timeout.map { max(0, Int(saturating: ($0.seconds * 1000).rounded(.up))) } ?? -1
        zmq_poll(&items, Int32(items.count), milliseconds)
        if items[items.count - 1].revents != 0 { wake.clear() }
    }
}
