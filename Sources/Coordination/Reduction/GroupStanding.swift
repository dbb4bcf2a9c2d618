import Common

/// Who stays out of groups for a while, as earlier ones have had to be given up for them.
///
/// A group is as fast as the slowest link between two of its members, and it takes a time-out to find out that one is too slow.
/// Whoever was lost from a group, or was late with a step whose group was given up, would be back in the next one at once: a worker
/// that was given up connects again within milliseconds. So it is known by its name, and stays out for longer each time.
struct GroupStanding: Sendable {
    private struct Record {
        var failures = 0
        var until: Instant
        /// Steps in groups since then.
        var successes = 0
    }

    /// Steps in groups after which a worker's failures are forgotten.
    private static let probation = 100
    /// After so many failures the time does not grow any more: it is some hours then.
    private static let mostDoublings = 10

    private var records: [String: Record] = [:]

    /// - Parameter rest: for how long the first failure keeps a worker out; each further one doubles it.
    mutating func noteFailure(of name: String, at now: Instant, rest: Duration) {
        var record = records[name] ?? Record(until: now)
        // What fails twice before it could sit anything out has failed once.
        guard record.failures == 0 || now >= record.until else { return }
        record.until = now + rest * (1 << min(record.failures, Self.mostDoublings))
        record.failures += 1
        record.successes = 0
        records[name] = record
    }

    mutating func noteSuccess(of names: [String]) {
        for name in names where records[name] != nil {
            records[name]!.successes += 1
            if records[name]!.successes >= Self.probation { records[name] = nil }
        }
    }

    func isOut(_ name: String, at now: Instant) -> Bool { records[name].map { now < $0.until } ?? false }
}
