import Foundation

/// Who may ask what, decided from a request's headers alone.
///
/// A server on the loopback interface is read by whoever is on the machine, and by no page of another origin: the `Host` header must
/// name that interface. Elsewhere, or where the owner asks for it, a token is needed. What changes the run is for the
/// loopback interface and for the server's own page.
public struct Access: Sendable {
    public enum Decision: Sendable, Equatable {
        case allowed
        /// No token, or a wrong one.
        case unauthorized
        case forbidden(String)
    }

    public struct Question: Sendable {
        public var isRead: Bool
        public var host: String?
        public var origin: String?
        public var authorization: String?
        public var cookie: String?

        public init(
            isRead: Bool, host: String?, origin: String? = nil, authorization: String? = nil, cookie: String? = nil
        ) {
            (self.isRead, self.host, self.origin) = (isRead, host, origin)
            (self.authorization, self.cookie) = (authorization, cookie)
        }
    }

    public static let cookieName = "selmix_token"

    public let isLoopback: Bool
    /// Nil: none is needed.
    public let token: String?
    /// Names by which this machine is called, besides numbers.
    public let names: Set<String>

    public init(isLoopback: Bool, token: String?, names: Set<String> = []) {
        self.isLoopback = isLoopback
        self.token = token
        self.names = Set(names.map { $0.lowercased() })
    }

    public func decide(_ question: Question) -> Decision {
        guard let host = question.host.flatMap(Self.hostName) else { return .forbidden("no Host header") }
        guard isKnown(host) else { return .forbidden("this server is not called \(host)") }
        if let origin = question.origin, let asked = question.host,
            origin != "http://\(asked)", origin != "https://\(asked)"
        {
            return .forbidden("a page of another origin")
        }
        if let token, !holds(token, question) { return .unauthorized }
        if !question.isRead, !isLoopback { return .forbidden("read-only: listens beyond the loopback interface") }
        return .allowed
    }

    /// Whether this is the token; takes as long for any wrong one.
    public func isToken(_ text: String) -> Bool { token.map { Self.equal($0, text) } ?? false }

    private func holds(_ token: String, _ question: Question) -> Bool {
        if let said = question.authorization, said.lowercased().hasPrefix("bearer ") {
            return Self.equal(token, said.dropFirst(7).trimmingCharacters(in: .whitespaces))
        }
        let cookies = question.cookie?.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
        return cookies.contains {
            $0.hasPrefix("\(Self.cookieName)=") && Self.equal(token, String($0.dropFirst(Self.cookieName.count + 1)))
        }
    }

    private func isKnown(_ host: String) -> Bool {
        let isLoopbackName = host == "localhost" || host == "::1" || Self.isNumber(host) && host.hasPrefix("127.")
        if isLoopback { return isLoopbackName }
        // A number cannot be made to mean another machine later on, as a name can.
        return isLoopbackName || Self.isNumber(host) || names.contains(host)
    }

    /// `host` of `host:port`, `[v6]` and `[v6]:port`; nil where it is none.
    static func hostName(_ text: String) -> String? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            return String(text[text.index(after: text.startIndex)..<end]).lowercased()
        }
        let host = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return host.isEmpty ? nil : host.lowercased()
    }

    private static func isNumber(_ host: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }

    private static func equal(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
