import Common
import Foundation

/// Where a server listens: `HOST:PORT`, with the host as a number or `localhost`. Port 0 is any free one.
public struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// Without brackets.
    public let host: String
    public let port: UInt16
    public let isIPv6: Bool

    /// Any free port of the loopback interface.
    public static let loopback = ListenAddress(host: "127.0.0.1", port: 0, isIPv6: false)

    init(host: String, port: UInt16, isIPv6: Bool) { (self.host, self.port, self.isIPv6) = (host, port, isIPv6) }

    public init(parsing text: String) throws {
        let bad = SelMixError(
            .usage, "`\(text)` is no address to listen on",
            hint: "use HOST:PORT with the host as a number, such as 127.0.0.1:9090 or [::1]:0, or `off`")
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw bad
        }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            var parsed = in6_addr()
            guard inet_pton(AF_INET6, host, &parsed) == 1 else { throw bad }
            self.init(host: host, port: port, isIPv6: true)
        } else {
            var parsed = in_addr()
            guard inet_pton(AF_INET, host, &parsed) == 1 else { throw bad }
            self.init(host: host, port: port, isIPv6: false)
        }
    }

    public var isLoopback: Bool { isIPv6 ? host == "::1" : host.hasPrefix("127.") }
    public var description: String { "\(isIPv6 ? "[\(host)]" : host):\(port)" }
}
