import Common

/// Every time-out of the protocol, from one setting.
///
/// The order that the failure contract rests on, with f the failure time-out:
///
///     heartbeat f/5  <  hello retry f/4  <  lease f  <=  patience max(f, 10 x slowest turnaround)
///     lease f  <  orphan            repeat max(f/2, slowest turnaround)  <  patience
///
/// A lease survives four lost heartbeats. A worker says hello again more often than leases end, so that a restarted
/// coordinator knows its workers within one lease. A worker outlives its coordinator's restart by the orphan time-out.
public struct Timing: Sendable, Equatable {
    /// How long a worker may be silent before it is given up.
    public let failureTimeout: Duration
    /// How long a worker waits for a coordinator that is silent before it leaves.
    public let orphanTimeout: Duration

    public init(failureTimeout: Duration, orphanTimeout: Duration) throws {
        self.failureTimeout = failureTimeout
        self.orphanTimeout = orphanTimeout
        guard failureTimeout > .zero, orphanTimeout > failureTimeout else {
            throw SelMixError(
                .invalidInput,
                "an orphan time-out of \(orphanTimeout.told) and a failure time-out of \(failureTimeout.told)",
                hint: "`cluster.orphanTimeout` must be longer than `cluster.failureTimeout`")
        }
    }

    public var heartbeatInterval: Duration { failureTimeout / 5 }
    public var helloInterval: Duration { failureTimeout / 4 }
    public var lease: Duration { failureTimeout }

    /// How long work may show no progress before its worker counts as stuck.
    ///
    /// - Parameters:
    ///   - slowest: the longest time that a worker has taken for an assignment.
    ///   - timesStuck: how often this work was taken from a worker that got stuck with it. Each time doubles the least
    ///     patience: a block may take longer than the failure time-out, and would otherwise go from hand to hand for ever.
    public func patience(slowest: Duration, timesStuck: Int) -> Duration {
        max(failureTimeout * (1 << min(timesStuck, 16)), slowest * 10)
    }

    /// How long a worker may not hold what it was sent before that counts as lost and is sent again: less than the
    /// patience, so that a repeat comes before the worker is taken for stuck, but no less than any answer has taken.
    public func repeatAfter(slowest: Duration, timesStuck: Int) -> Duration {
        max(failureTimeout * (1 << min(timesStuck, 16)) / 2, slowest)
    }
}
