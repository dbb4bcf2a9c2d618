import Coordination
import Foundation
import Messaging

/// Finds out why no connection to a coordinator comes about. ZeroMQ tries again and again without a word, and by the first
/// kind of address that a name has alone.
///
/// Asked only while there is no connection, at intervals, on a thread of its own, as resolvers take their time. A coordinator
/// sees it as a connection that says nothing, so one that was reached is left alone for a while.
struct CoordinatorReach {
    static let patience = Duration.seconds(1)
    static let interval = Duration.seconds(3)
    static let longInterval = Duration.seconds(30)

    private let endpoint: TCPEndpoint?
    private let address: String
    /// When to look next.
    private(set) var due: Instant?
    private var isLooking = false
    /// The last reason that was reported.
    private var reported: String?
    /// Whether to connect over IPv6, where the coordinator's name stands for both.
    private(set) var usesIPv6 = false

    init(_ address: String) {
        self.address = address
        endpoint = TCPEndpoint(address)
    }

    /// A fresh attempt to connect has begun, or a connection is there, which needs no looking.
    mutating func connecting(at now: Instant) { due = now + Self.patience }

    /// The other side has been reached and has answered, if only to refuse.
    mutating func reached(at now: Instant) { due = now + Self.longInterval }

    /// Looks, if it is time and nothing has been heard.
    ///
    /// - Parameter found: called on another thread.
    mutating func look(at now: Instant, found: @escaping @Sendable (TCPEndpoint.Reach) -> Void) {
        guard let endpoint, !isLooking, let due, now >= due else { return }
        self.due = now + Self.interval
        // Without a thread to spare there is no looking, and the worker goes on trying all the same.
        isLooking = (try? SystemThread.start { found(endpoint.reach(within: .seconds(2))) }) != nil
    }

    enum Advice: Equatable {
        case nothing
        /// Why it cannot be reached; new since the last time.
        case report(String)
        case reconnect
    }

    /// What follows from what was found.
    mutating func take(_ reach: TCPEndpoint.Reach, at now: Instant) -> Advice {
        isLooking = false
        switch reach {
        case .open(let isIPv6):
            due = now + Self.longInterval
            guard isIPv6 != usesIPv6 else { return .nothing }
            usesIPv6 = isIPv6
            return .reconnect
        case .closed(let reason):
            due = now + Self.interval
            let text = "\(address): \(reason)"
            defer { reported = text }
            return text == reported ? .nothing : .report(text)
        }
    }
}
