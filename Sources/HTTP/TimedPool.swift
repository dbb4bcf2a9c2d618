import FlyingSocks

/// A pool of sockets in which no wait of a connection is endless: who neither sends nor reads for that long is dropped.
struct TimedPool<Base: AsyncSocketPool>: AsyncSocketPool {
    let base: Base
    let limit: Duration

    func prepare() async throws { try await base.prepare() }
    func run() async throws { try await base.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await base.suspendSocket(socket, untilReadyFor: events) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw SocketError.timeout(message: "idle for \(limit)")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
