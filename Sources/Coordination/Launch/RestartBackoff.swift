/// How long to wait before something that ended is started again: 1 s, and twice as long after every end that follows soon,
/// up to half a minute.
public struct RestartBackoff: Sendable, Equatable {
    /// What has been up for this long has been started well; its next end counts as the first.
    public static let settled = Duration.seconds(30)
    static let shortest = Duration.seconds(1)
    static let longest = Duration.seconds(30)

    /// Ends in a row that each followed soon after a start.
    public private(set) var failures = 0

    public init() {}

    /// - Parameter uptime: how long it was up; zero if it never was.
    /// - Returns: the time until the next start.
    public mutating func delay(afterUptime uptime: Duration) -> Duration {
        failures = uptime >= Self.settled ? 1 : failures + 1
        return min(Self.longest, Self.shortest * (1 << min(failures - 1, 10)))
    }
}
