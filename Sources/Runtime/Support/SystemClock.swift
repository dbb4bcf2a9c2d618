import Coordination

/// The monotonic clock that drives the state machines in production.
enum SystemClock {
    private static let clock = ContinuousClock()
    private static let origin = clock.now

    static var now: Instant { Instant(sinceOrigin: origin.duration(to: clock.now)) }
}
