import Common

/// A point on a monotonic clock. The state machines never read a clock: whoever drives them says what time it is, a real
/// clock in production and a virtual one in simulation.
public struct Instant: Hashable, Comparable, Sendable {
    /// Since an arbitrary origin that all instants of a process share.
    public let sinceOrigin: Duration
    public init(sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }

    public static let origin = Instant(sinceOrigin: .zero)
    public static func < (a: Instant, b: Instant) -> Bool { a.sinceOrigin < b.sinceOrigin }
    public static func + (a: Instant, d: Duration) -> Instant { Instant(sinceOrigin: a.sinceOrigin + d) }
    public static func - (a: Instant, d: Duration) -> Instant { Instant(sinceOrigin: a.sinceOrigin - d) }
    public static func - (a: Instant, b: Instant) -> Duration { a.sinceOrigin - b.sinceOrigin }
}

extension Duration {
    public var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// For messages: "2 s", "0.4 s".
    public var told: String {
        let tenths = (seconds * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(saturating: tenths)) s" : "\(tenths) s"
    }
}
