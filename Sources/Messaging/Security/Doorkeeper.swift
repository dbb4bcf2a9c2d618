import CZeroMQ
import Common
import Coordination
import Foundation
import Synchronization

/// Decides who may connect to this process, and counts whom it turned away.
/// It also sees to it that there are only so many connections: others would hold all descriptors that the process may have,
/// and no file could be written any more (``Connections``).
///
/// A thread of its own answers ZeroMQ's questions about keys and reads what sockets tell about failed handshakes, because
/// ZeroMQ's I/O thread waits for both: a crowd at the door must not have to wait for the run, nor the run for it. One a
/// context, made before the sockets that it serves; it lives as long as they do.
public final class Doorkeeper: Sendable {
    /// Connections that were turned away for one reason.
    public struct Refusals: Sendable {
        public let rejection: Rejection
        public let count: Int
        /// Who the last of them was, as far as that is known.
        public let detail: String?
    }

    private let context: MessagingContext
    private let loop: DoorkeeperLoop
    /// Whether there is a thread that has to end first.
    private let isRunning: Bool

    /// - Parameters:
    ///   - news: raised when there are refusals to take.
    ///   - mostConnections: what all its sockets may have at a time.
    ///   - admits: the name of a listed key, nil for another; called on the doorkeeper's thread. Without it no key is asked
    ///     for, and failed handshakes are counted all the same.
    public init(
        context: MessagingContext, news: WakeSignal? = nil, mostConnections: Int = .max,
        admits: (@Sendable (CurveKey) -> KeyName?)? = nil
    ) throws {
        self.context = context
        var zap: UnsafeMutableRawPointer?
        if admits != nil {
            zap = zmq_socket(context.handle, ZMQ_REP)
            guard let zap, zmq_bind(zap, "inproc://zeromq.zap.01") == 0 else {
                if let zap { zmq_close(zap) }
                throw SelMixError.zeroMQ("nobody can check keys")
            }
        }
        do {
            let made = try DoorkeeperLoop(zap: zap, news: news, mostConnections: mostConnections, admits: admits)
            loop = made
            try SystemThread.start { made.run() }
        } catch {
            if let zap { zmq_close(zap) }
            throw error
        }
        isRunning = true
    }

    deinit { if isRunning { loop.stop() } }

    /// Counts the failed handshakes of a socket from now on.
    func watch(_ socket: UnsafeMutableRawPointer) throws {
        let address = "inproc://selmix-handshakes-\(UInt(bitPattern: socket))-\(loop.nextNumber())"
        guard zmq_socket_monitor(socket, address, HandshakeEvent.mask) == 0,
            let monitor = zmq_socket(context.handle, ZMQ_PAIR)
        else { throw SelMixError.zeroMQ("a socket cannot be watched") }
        // An event that got lost would be a connection that is not counted.
        var unlimited = Int32(0)
        zmq_setsockopt(monitor, ZMQ_RCVHWM, &unlimited, MemoryLayout<Int32>.size)
        guard zmq_connect(monitor, address) == 0 else {
            zmq_close(monitor)
            throw SelMixError.zeroMQ("a socket cannot be watched")
        }
        loop.adopt(monitor)
    }

    /// Something that makes sense has come by this connection.
    func prove(_ connection: Int32) { loop.prove(connection) }

    /// Whom it turned away since it was asked last.
    public func takeRefusals() -> [Refusals] { loop.takeRefusals() }
}

/// What a ``Doorkeeper``'s thread runs; apart from it, so that the thread does not keep it alive.
private final class DoorkeeperLoop: @unchecked Sendable {
    /// A socket on its way to the thread.
    private struct Arriving: @unchecked Sendable {
        let socket: UnsafeMutableRawPointer
    }

    private struct State {
        var arriving: [Arriving] = []
        var number = 0
        var stopping = false
        var refusals: [Rejection: (count: Int, detail: String?)] = [:]
        /// Connections that something sensible came by since they were looked at last.
        var proven: Set<Int32> = []
    }

    /// Of the thread alone once it runs.
    private let zap: UnsafeMutableRawPointer?
    private let news: WakeSignal?
    private let admits: @Sendable (CurveKey) -> KeyName?
    private let wake: WakeSignal
    private let ended = DispatchSemaphore(value: 0)
    private let state = Mutex(State())
    private var connections: Connections

    /// - Parameter admits: nil where no key is asked for.
    init(
        zap: UnsafeMutableRawPointer?, news: WakeSignal?, mostConnections: Int,
        admits: (@Sendable (CurveKey) -> KeyName?)?
    ) throws {
        self.zap = zap
        self.news = news
        self.admits = admits ?? { _ in nil }
        connections = Connections(most: mostConnections, provesKeys: admits != nil)
        wake = try WakeSignal()
    }

    func prove(_ connection: Int32) { state.withLock { _ = $0.proven.insert(connection) } }

    func nextNumber() -> Int {
        state.withLock {
            $0.number += 1
            return $0.number
        }
    }

    func adopt(_ monitor: UnsafeMutableRawPointer) {
        let arriving = Arriving(socket: monitor)
        state.withLock { $0.arriving.append(arriving) }
        wake.raise()
    }

    func takeRefusals() -> [Doorkeeper.Refusals] {
        state.withLock { state in
            defer { state.refusals = [:] }
            return Rejection.allCases.compactMap { kind in
                state.refusals[kind].map { .init(rejection: kind, count: $0.count, detail: $0.detail) }
            }
        }
    }

    /// Returns when the thread has closed its sockets.
    func stop() {
        state.withLock { $0.stopping = true }
        wake.raise()
        ended.wait()
    }

    func run() {
        var monitors: [UnsafeMutableRawPointer] = []
        var stopping = false
        while !stopping {
            var items = (monitors + [zap].compactMap { $0 }).map {
                zmq_pollitem_t(socket: $0, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
            }
            items.append(zmq_pollitem_t(socket: nil, fd: wake.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
            zmq_poll(&items, Int32(items.count), -1)
            wake.clear()
            monitors = monitors.filter(stillWatches)
            limitConnections()
            if let zap { answer(zap) }
            let (arrived, isOver) = state.withLock { state in
                defer { state.arriving = [] }
                return (state.arriving, state.stopping)
            }
            monitors += arrived.map(\.socket)
            stopping = isOver
        }
        for socket in monitors + [zap].compactMap({ $0 }) { zmq_close(socket) }
        ended.signal()
    }

    private func answer(_ zap: UnsafeMutableRawPointer) {
        while let frames = Self.frames(from: zap) {
            let reply: [[UInt8]]
            if let request = ZapRequest(frames) {
                let name = admits(request.key)
                if name == nil {
                    count(
                        .unlistedKey, detail: "from \(request.address), key \(request.key.hexadecimal.prefix(16))...")
                }
                reply = request.answer(name?.text)
            } else {
                count(.badHandshake, detail: nil)
                reply = ZapRequest.refusal(of: frames)
            }
            for (index, frame) in reply.enumerated() {
                zmq_send(zap, frame, frame.count, ZMQ_DONTWAIT | (index + 1 < reply.count ? ZMQ_SNDMORE : 0))
            }
        }
    }

    /// Reads a monitor's events; false when its socket is closed.
    private func stillWatches(_ monitor: UnsafeMutableRawPointer) -> Bool {
        while let frames = Self.frames(from: monitor) {
            switch frames.first.flatMap({ HandshakeEvent($0) }) {
            // A coordinator has counted it when it was asked about the key.
            case .failed(.unlistedKey) where zap != nil: break
            case .failed(let rejection): count(rejection, detail: nil)
            case .accepted(let connection):
                // What was proven by this number was proven by another connection.
                state.withLock { _ = $0.proven.remove(connection) }
                connections.add(connection)
            case .ended(let connection): connections.remove(connection)
            case .stopped:
                zmq_close(monitor)
                return false
            case nil: break
            }
        }
        return true
    }

    private func limitConnections() {
        guard connections.areTooMany else { return }
        connections.prove(
            state.withLock { state in
                defer { state.proven = [] }
                return state.proven
            })
        for _ in 0..<connections.end() {
            count(.crowded, detail: "more than \(connections.most): `ulimit -n` is \(OpenFiles.limit)")
        }
    }

    private func count(_ rejection: Rejection, detail: String?) {
        let isFirst = state.withLock { state in
            let before = state.refusals[rejection]
            defer { state.refusals[rejection] = ((before?.count ?? 0) + 1, detail ?? before?.detail) }
            return state.refusals.isEmpty
        }
        if isFirst { news?.raise() }
    }

    private static func frames(from socket: UnsafeMutableRawPointer) -> [[UInt8]]? {
        var frames: [[UInt8]] = []
        repeat {
            let frame = ReceivedFrame()
            guard frame.receive(from: socket) else { return frames.isEmpty ? nil : frames }
            frames.append(Array(frame.bytes))
            if !frame.hasMore { return frames }
        } while true
    }
}
