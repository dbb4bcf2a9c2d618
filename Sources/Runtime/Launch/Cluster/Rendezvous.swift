import Common

/// Where the coordinator of a launch listens, and by which address each host reaches it.
struct Rendezvous: Equatable {
    /// A name or address of this machine; `*` for all.
    var listensAt: String
    /// 0 for any that is free.
    var port: UInt16
    /// For tensors: the next one, or 0.
    var bulkPort: UInt16
    /// By label, what hosts connect to.
    var addresses: [String: String]

    /// - Parameters:
    ///   - bind: `tcp://HOST:PORT` as a person gives it; nil for what suits the hosts.
    ///   - seen: by label, this machine's address as each host sees it, nil where it does not know; empty string for an
    ///     agent that is on this machine.
    /// - Returns: nil when everything is on this machine, so that no network is needed.
    init?(bind: String?, seen: [(label: String, address: String?)], own: Set<String>) throws {
        if let bind {
            let (host, port) = try Self.parse(bind)
            (listensAt, self.port, bulkPort) = (host, port, port == 0 ? 0 : port + 1)
            addresses = [:]
            for (label, address) in seen {
                let isEverywhere = ["*", "0.0.0.0"].contains(host)
                guard let target = isEverywhere ? (address == "" ? "127.0.0.1" : address) : host else {
                    throw SelMixError(
                        .usage, "\(label) cannot tell by which address it reaches this machine",
                        hint: "give one address rather than all: --bind tcp://ADDRESS:PORT")
                }
                addresses[label] = target
            }
            return
        }
        let remote = seen.filter { $0.address != "" }
        if remote.isEmpty { return nil }
        for (label, address) in remote {
            guard let address, own.contains(address) else {
                let what =
                    address.map { "\(label) sees this machine as \($0), which is no address of it" }
                    ?? "\(label) cannot tell by which address it reaches this machine"
                throw SelMixError(
                    .cluster, what,
                    hint: "there may be a jump host or NAT between; give an address that all hosts can reach: "
                        + "--bind tcp://ADDRESS:PORT")
            }
        }
        let distinct = Set(remote.compactMap(\.address))
        // One address rather than all, so that nobody else is offered the port.
        listensAt = distinct.count == 1 ? distinct.first! : "*"
        (port, bulkPort) = (0, 0)
        addresses = Dictionary(
            uniqueKeysWithValues: seen.map { label, address in
                (label, address == "" ? (distinct.count == 1 ? distinct.first! : "127.0.0.1") : address!)
            })
    }

    /// An address for the sockets, with a port.
    static func endpoint(_ host: String, _ port: UInt16) -> String {
        host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
    }

    private static func parse(_ bind: String) throws -> (host: String, port: UInt16) {
        let wrong = SelMixError(
            .usage, "`\(bind)` is no address to listen at",
            hint: "use tcp://ADDRESS:PORT, or tcp://ADDRESS:* for any port")
        guard bind.hasPrefix("tcp://"), let colon = bind.lastIndex(of: ":") else { throw wrong }
        var host = String(
            bind[bind.index(bind.startIndex, offsetBy: 6)..<max(colon, bind.index(bind.startIndex, offsetBy: 6))])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { throw wrong }
        let text = bind[bind.index(after: colon)...]
        if text == "*" { return (host, 0) }
        guard let port = UInt16(text), port > 0, port < .max else { throw wrong }
        return (host, port)
    }
}
