import Synchronization

/// What a server has to do.
public final class HTTPStatistics: Sendable {
    private let state = Mutex((connections: 0, answers: [Int: Int]()))

    public init() {}

    public var connections: Int { state.withLock { $0.connections } }
    /// By status.
    public var answers: [Int: Int] { state.withLock { $0.answers } }

    func answered(_ status: Int) { state.withLock { $0.answers[status, default: 0] += 1 } }

    func opened() { state.withLock { $0.connections += 1 } }

    func closed() { state.withLock { $0.connections -= 1 } }
}
