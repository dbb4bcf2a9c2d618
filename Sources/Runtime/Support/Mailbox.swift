import Messaging
import Synchronization

/// Events for a network loop from other threads: what a computation gave, a signal, a child process that ended.
final class Mailbox<Event: Sendable>: Sendable {
    let signal: WakeSignal
    private let events = Mutex<[Event]>([])

    init() throws { signal = try WakeSignal() }

    func post(_ event: Event) {
        events.withLock { $0.append(event) }
        signal.raise()
    }

    func takeAll() -> [Event] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}
