/// A machine of a launch, as a host file or a scheduler names it.
public struct LaunchHost: Sendable, Equatable {
    /// What ssh is asked for: a name, an address, or an alias of the user's ssh config.
    public var host: String
    public var user: String?
    public var port: UInt16?
    /// Workers to start; nil for as many as it has cores, but no more in all than the run has shards.
    public var slots: Int?
    /// What messages call it, and the name of its workers' key; unique in a launch. Letters, digits, `.`, `_`, `-`, at most 64.
    public var label: String

    public init(_ host: String, user: String? = nil, port: UInt16? = nil, slots: Int? = nil, label: String? = nil) {
        self.host = host
        self.user = user
        self.port = port
        self.slots = slots
        self.label = label ?? Self.label(host)
    }

    /// A label for a name that may have other characters in it.
    static func label(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._".contains($0)) ? $0 : "-" }.prefix(60))
    }

    /// `localhost` alone is this machine, without ssh.
    var isThisMachine: Bool { host == "localhost" && user == nil && port == nil }
}
