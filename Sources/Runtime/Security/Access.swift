import Common
import Coordination
import Foundation
import Logging
import Messaging

/// Who may connect to a process, and to whom it connects.
public enum Access: Sendable {
    /// Nobody beyond this machine; so no keys are needed.
    case local
    /// Owners of listed keys.
    case keys(KeyDirectory)
    /// Anyone who reaches the port, because someone said `--insecure`.
    case anyone

    /// - Throws: `usage` when an address goes beyond this machine without keys.
    func check(_ addresses: [String], doing verb: String) throws {
        guard case .local = self else { return }
        for address in addresses where !Self.isLocal(address) {
            throw SelMixError(
                .usage, "\(verb) \(address) without keys: whoever reaches that address could read and change the run",
                hint: "make keys with `selmix keygen DIR NAME...` and add --keys DIR; or, on a network where you trust "
                    + "everyone, add --insecure")
        }
    }

    /// Whether an address is for processes of this machine alone. A host name is not, whatever it resolves to today.
    static func isLocal(_ address: String) -> Bool {
        guard address.hasPrefix("tcp://") else { return true }
        // tcp://SOURCE;HOST:PORT is ZeroMQ's way to name the near end too.
        let ends = address.dropFirst("tcp://".count).split(separator: ";", omittingEmptySubsequences: false)
        return ends.allSatisfy { end in
            let host = end.lastIndex(of: ":").map { end[..<$0] } ?? end
            if ["localhost", "[::1]", "lo"].contains(host) { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }

    /// What a coordinator's sockets need.
    ///
    /// - Parameters:
    ///   - news: raised when connections were refused.
    ///   - mostConnections: how many there may be at a time.
    func door(
        context: MessagingContext, news: WakeSignal, mostConnections: Int, log: Logger
    ) throws -> (security: SocketSecurity, keeper: Doorkeeper) {
        guard case .keys(let directory) = self else {
            return (.none, try Doorkeeper(context: context, news: news, mostConnections: mostConnections))
        }
        let pair = try directory.coordinatorPair()
        let list = try WorkerList(directory, log: log)
        let keeper = try Doorkeeper(
            context: context, news: news, mostConnections: mostConnections, admits: list.name)
        return (.server(pair), keeper)
    }

    /// What a worker's sockets need, and what the worker is called.
    public func worker(
        named name: String?, connectingTo addresses: [String]
    ) throws -> (name: String, security: SocketSecurity) {
        try check(addresses, doing: "connecting to")
        if case .keys(let directory) = self { return try directory.worker(name) }
        let process = ProcessInfo.processInfo
        return (name ?? "\(WorkerName.nearest(to: process.hostName))-\(process.processIdentifier)", .none)
    }
}
