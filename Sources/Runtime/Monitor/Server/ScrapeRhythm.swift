import Common
import Coordination
import Synchronization

/// How often `/metrics` is asked for, and when it was last.
///
/// A monitoring system that asks at intervals learns of the end of a run only if it asks once more afterwards; otherwise a run
/// that ended well looks like one that died. So the port stays open until then, for a bounded time, and only if somebody
/// does ask at intervals.
final class ScrapeRhythm: Sendable {
    private struct State {
        var last: Instant?
        var interval: Duration?
    }

    private let state = Mutex(State())

    func asked(at now: Instant) {
        state.withLock { state in
            if let last = state.last { state.interval = now - last }
            state.last = now
        }
    }

    /// Whether somebody has asked since `time`.
    func hasAsked(since time: Instant) -> Bool { state.withLock { $0.last.map { $0 >= time } ?? false } }

    /// Until when the next question can be expected; nil where none is, or only later than `limit` from now.
    func nextDue(at now: Instant, limit: Duration) -> Instant? {
        state.withLock { state in
            guard let last = state.last, let interval = state.interval else { return nil }
            let due = last + interval * 1.25 + .seconds(1)
            return due >= now && due <= now + limit ? due : nil
        }
    }
}
