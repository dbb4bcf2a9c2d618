import Glibc
import Synchronization

/// The open connections of a server, and which of them makes room when there are as many as there may be.
///
/// Whoever holds a connection and says nothing must not keep others out, so a new connection is always let in: the one that has
/// been kept waiting for longest is ended for it. First those whose peer owes a request, then those that do not read their
/// answer. Streams are long by their nature and stay; a quarter of the places is not for them.
final class ConnectionTable: Sendable {
    typealias Number = UInt64

    enum State: Sendable {
        /// The peer has to say something.
        case reading
        /// The peer has to take an answer.
        case writing
        /// The peer takes news for as long as it likes.
        case streaming
    }

    private struct Connection: Sendable {
        let descriptor: Int32
        var state = State.reading
        /// When it got into this state, counted.
        var order: UInt64
    }

    private struct Content {
        var open: [Number: Connection] = [:]
        var last: UInt64 = 0

        mutating func next() -> UInt64 {
            last += 1
            return last
        }
    }

    private let most: Int
    private let mostStreams: Int
    private let content = Mutex(Content())

    init(most: Int) { (self.most, mostStreams) = (most, most - most / 4) }

    /// - Returns: nil where no connection can be ended for it.
    func open(_ descriptor: Int32) -> Number? {
        content.withLock { content in
            if content.open.count >= most {
                let slowest = content.open.filter { $0.value.state != .streaming }.min {
                    ($0.value.state == .reading ? 0 : 1, $0.value.order)
                        < ($1.value.state == .reading ? 0 : 1, $1.value.order)
                }
                guard let slowest else { return nil }
                // Its own task closes it; until it does, the number is no other connection's, as `close` waits for this lock.
                shutdown(slowest.value.descriptor, Int32(SHUT_RDWR))
                content.open[slowest.key] = nil
            }
            let number = content.next()
            content.open[number] = Connection(descriptor: descriptor, order: number)
            return number
        }
    }

    /// - Returns: false where it has been ended for another, or where there are too many streams.
    func set(_ state: State, of number: Number) -> Bool {
        content.withLock { content in
            guard content.open[number] != nil else { return false }
            if case .streaming = state, content.open.values.count(where: { $0.state == .streaming }) >= mostStreams {
                return false
            }
            let order = content.next()
            content.open[number]?.state = state
            content.open[number]?.order = order
            return true
        }
    }

    /// Before its descriptor is closed.
    func close(_ number: Number) { content.withLock { $0.open[number] = nil } }
}
