import Common
import Coordination
import Foundation

/// Points of the monotonic clock as times of day, in ISO 8601 with milliseconds.
struct Timestamp: Sendable {
    /// The time of day at the clock's origin, in seconds since 1970.
    private let origin: Double

    /// - Parameter now: what the monotonic clock says.
    init(now: Instant) { origin = Date().timeIntervalSince1970 - now.sinceOrigin.seconds }

    func callAsFunction(_ instant: Instant) -> String { Self.text(origin + instant.sinceOrigin.seconds) }

    static var now: String { text(Date().timeIntervalSince1970) }

    /// By hand, as a snapshot has many of them.
    static func text(_ secondsSince1970: Double) -> String {
        let milliseconds = Int(saturating: secondsSince1970 * 1000)
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return padded(Int(parts.tm_year) + 1900, 4) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-"
            + padded(Int(parts.tm_mday), 2) + "T" + padded(Int(parts.tm_hour), 2) + ":" + padded(Int(parts.tm_min), 2)
            + ":" + padded(Int(parts.tm_sec), 2) + "." + padded(milliseconds % 1000, 3) + "Z"
    }
}
