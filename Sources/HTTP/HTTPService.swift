import Common
import FlyingFox
import FlyingSocks
import Foundation
import Synchronization

/// A small HTTP server for watching a process: FlyingFox's sockets, messages and routes within bounds of our own.
///
/// FlyingFox's server takes heads of any length and any number of connections, waits for a silent peer for ever, and ends when
/// a connection cannot be accepted. A server inside a process that trains must do none of that, so connections are handled
/// here: there are only so many, each holds only so much, and none waits longer than ``Limits/idle``.
public final class HTTPService: Sendable {
    public struct Limits: Sendable {
        /// Beyond them the connection that has been kept waiting for longest is ended for a new one.
        public var connections = 256
        /// How long a peer may neither send nor read.
        public var idle = Duration.seconds(30)

        public init() {}
    }

    /// With the port that was picked.
    public let address: ListenAddress
    private let listener: Socket
    private let limits: Limits
    private let handler: any HTTPHandler
    private let statistics: HTTPStatistics
    private let connections: ConnectionTable
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Opens the port, so that one that is taken is told before anything runs.
    public init(
        _ wanted: ListenAddress, limits: Limits = Limits(), statistics: HTTPStatistics, handler: any HTTPHandler
    ) throws {
        self.limits = limits
        self.statistics = statistics
        self.handler = handler
        connections = ConnectionTable(most: limits.connections)
        do {
            listener = try Socket(domain: wanted.isIPv6 ? AF_INET6 : AF_INET)
            Self.closeOnExec(listener)
            try listener.setValue(true, for: .localAddressReuse)
            if wanted.isIPv6 {
                try listener.bind(to: sockaddr_in6.inet6(ip6: wanted.host, port: wanted.port))
            } else {
                try listener.bind(to: sockaddr_in.inet(ip4: wanted.host, port: wanted.port))
            }
            try listener.listen()
            let port: UInt16
            switch try listener.sockname() {
            case .ip4(_, let bound), .ip6(_, let bound): port = bound
            case .unix: preconditionFailure("a TCP socket with a path")
            }
            address = ListenAddress(host: wanted.host, port: port, isIPv6: wanted.isIPv6)
        } catch {
            throw SelMixError(
                .failed, "HTTP cannot listen on \(wanted)",
                hint: "choose another address with `--http HOST:PORT`, a free port with HOST:0, or `--http off`",
                cause: error.localizedDescription)
        }
    }

    public var url: String { "http://\(address)" }

    public func start() {
        let task = Task.detached(priority: .utility) { [self] in
            let pool: SocketPool<ePoll> = .ePoll()
            do {
                try await pool.prepare()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await pool.run() }
                    group.addTask { try await self.accept(pool) }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch {
                // Cancelled by `stop`.
            }
        }
        self.task.withLock { $0 = task }
    }

    /// Closes the port; connections have until `grace` to take their last words.
    public func stop(grace: Duration) async {
        try? listener.close()
        let deadline = ContinuousClock.now + grace
        while statistics.connections > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        let task = self.task.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    private static let mostEnding = 4

    private func accept(_ pool: SocketPool<ePoll>) async throws {
        let listener = try AsyncSocket(socket: listener, pool: pool)
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    // Those that were ended hold their descriptors a moment longer.
                    while statistics.connections > limits.connections + Self.mostEnding {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    let accepted = try await listener.accept().socket
                    Self.closeOnExec(accepted)
                    guard let number = connections.open(accepted.file.rawValue) else {
                        try? accepted.close()
                        continue
                    }
                    statistics.opened()
                    group.addTask { await self.serve(accepted, number, pool) }
                } catch is CancellationError {
                    return
                } catch {
                    // Such as no free descriptor: it passes.
                    do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
                }
            }
        }
    }

    private func serve(_ socket: Socket, _ number: ConnectionTable.Number, _ pool: SocketPool<ePoll>) async {
        do {
            let socket = try AsyncSocket(socket: socket, pool: TimedPool(base: pool, limit: limits.idle))
            try await answer(socket, number)
        } catch {
            // The peer went away, or was too slow.
        }
        _ = shutdown(socket.file.rawValue, Int32(SHUT_RDWR))
        // The pool forgets a descriptor just after it has told of it; closed sooner, the number could be reused before that.
        try? await Task.sleep(for: .milliseconds(20))
        connections.close(number)
        try? socket.close()
        statistics.closed()
    }

    private func answer(_ socket: AsyncSocket, _ number: ConnectionTable.Number) async throws {
        var reader = RequestReader(socket, limit: limits.idle)
        while !Task.isCancelled, connections.set(.reading, of: number) {
            let request: HTTPRequest
            do {
                guard let next = try await reader.next() else { return }
                request = next
            } catch let refusal as RequestReader.Refusal {
                try await write(.text(refusal.status, refusal.reason + "\n"), to: socket, keeping: false)
                return
            }
            var response: HTTPResponse
            do {
                response = try await handler.handleRequest(request)
            } catch is HTTPUnhandledError {
                response = .text(.notFound, "not found\n")
            } catch {
                response = .text(.internalServerError, "internal error\n")
            }
            if response.isStream, !connections.set(.streaming, of: number) {
                response = .text(.serviceUnavailable, "too many streams\n")
            }
            let isStream = response.isStream
            guard isStream || connections.set(.writing, of: number) else { return }
            try await write(
                response, to: socket, keeping: request.keepsConnection && !isStream, head: request.method == .HEAD)
            if !request.keepsConnection || isStream { return }
        }
    }

    private func write(
        _ response: HTTPResponse, to socket: AsyncSocket, keeping: Bool, head: Bool = false
    ) async throws {
        statistics.answered(response.statusCode.code)
        guard case .httpBody(let body) = response.payload else { return }
        var lines = ["HTTP/1.1 \(response.statusCode.code) \(response.statusCode.phrase)"]
        lines += response.headers.map { "\($0.key.rawValue): \($0.value)" }
        lines.append(body.count.map { "Content-Length: \($0)" } ?? "Transfer-Encoding: chunked")
        lines.append("Connection: \(keeping ? "keep-alive" : "close")")
        try await socket.write(Data((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        if head { return }
        for try await chunk in body { try await socket.write(chunk) }
    }

    /// A child process must not keep the port.
    private static func closeOnExec(_ socket: Socket) { _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC) }
}

extension HTTPResponse {
    public static func text(_ status: HTTPStatusCode, _ text: String) -> HTTPResponse {
        bytes(status, Data(text.utf8), type: "text/plain; charset=utf-8")
    }

    public static func bytes(_ status: HTTPStatusCode, _ data: Data, type: String) -> HTTPResponse {
        HTTPResponse(
            statusCode: status,
            headers: [
                .contentType: type, .cacheControl: "no-store",
                HTTPHeader("X-Content-Type-Options"): "nosniff",
            ], body: HTTPBodySequence(data: data, suggestedBufferSize: max(1, data.count)))
    }

    var isStream: Bool {
        if case .httpBody(let body) = payload { body.count == nil } else { true }
    }
}
