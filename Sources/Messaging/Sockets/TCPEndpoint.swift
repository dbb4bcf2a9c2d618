import Common
import Foundation

/// An address `tcp://HOST:PORT`, and what the system knows of its host.
public struct TCPEndpoint: Sendable, Equatable {
    /// Without brackets.
    public let host: String
    public let port: String

    /// - Returns: nil for an address of another kind, or one that names its near end too (`tcp://SOURCE;HOST:PORT`).
    public init?(_ address: String) {
        guard address.hasPrefix("tcp://"), !address.contains(";"), let colon = address.lastIndex(of: ":") else {
            return nil
        }
        let start = address.index(address.startIndex, offsetBy: "tcp://".count)
        guard start < colon else { return nil }
        var host = address[start..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        (self.host, port) = (String(host), String(address[address.index(after: colon)...]))
    }

    /// An address of a host, as the system gave it.
    public struct Address: Sendable, Equatable {
        /// As a number.
        public var text: String
        public var isIPv6: Bool
        var bytes: [UInt8]
    }

    /// This machine by name, which stands for both of its own addresses (RFC 6761), whatever /etc/hosts has.
    private var isLocalhost: Bool { host.lowercased() == "localhost" }

    /// What ZeroMQ can connect to, which knows no more of this machine's name than /etc/hosts does.
    ///
    /// - Parameter overIPv6: whether a name stands for its IPv6 address.
    func connecting(overIPv6: Bool) -> String {
        guard isLocalhost else { return host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)" }
        return overIPv6 ? "tcp://[::1]:\(port)" : "tcp://127.0.0.1:\(port)"
    }

    /// - Throws: `cluster`, with what the resolver says, when the host has no address.
    public func resolved() throws -> [Address] {
        guard isLocalhost else { return try Self.addresses(of: host, port) }
        return try Self.addresses(of: "127.0.0.1", port) + Self.addresses(of: "::1", port)
    }

    private static func addresses(of host: String, _ port: String) throws -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, port == "*" ? "0" : port, &hints, &found)
        guard status == 0 else {
            throw SelMixError(.cluster, "no host is called \(host)", cause: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(found) }
        var addresses: [Address] = []
        var next = found
        while let info = next {
            next = info.pointee.ai_next
            guard let address = info.pointee.ai_addr, [AF_INET, AF_INET6].contains(info.pointee.ai_family) else {
                continue
            }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard
                getnameinfo(
                    address, info.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { continue }
            addresses.append(
                Address(
                    text: String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
                    isIPv6: info.pointee.ai_family == AF_INET6,
                    bytes: Array(UnsafeRawBufferPointer(start: address, count: Int(info.pointee.ai_addrlen)))))
        }
        // ZeroMQ takes an IPv4 address where there is one.
        return addresses.filter { !$0.isIPv6 } + addresses.filter(\.isIPv6)
    }

    /// What ZeroMQ can listen at: a number, an interface or everything; of a host's name its first address.
    func listening() throws -> String {
        var (four, six) = (in_addr(), in6_addr())
        let isPlain =
            host == "*" || inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
            || if_nametoindex(host) != 0
        if isPlain { return host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)" }
        guard let address = try resolved().first else {
            throw SelMixError(.cluster, "no host is called \(host)")
        }
        return address.isIPv6 ? "tcp://[\(address.text)]:\(port)" : "tcp://\(address.text):\(port)"
    }

    // MARK: Reaching it

    /// Whether something listens there.
    public enum Reach: Sendable, Equatable {
        case open(isIPv6: Bool)
        /// Why not, for people.
        case closed(String)
    }

    /// Tries to connect to each of the host's addresses, and hangs up at once. Blocks for as long as the resolver and `limit`
    /// take.
    public func reach(within limit: Duration) -> Reach {
        do {
            let addresses = try resolved()
            var reasons: [String] = []
            for address in addresses {
                guard let reason = Self.failure(of: address, within: limit) else {
                    return .open(isIPv6: address.isIPv6)
                }
                reasons.append(address.text == host ? reason : "\(address.text): \(reason)")
            }
            return .closed(reasons.isEmpty ? "\(host) has no address" : reasons.joined(separator: "; "))
        } catch let error as SelMixError {
            return .closed(error.description)
        } catch {
            return .closed("\(error)")
        }
    }

    private static func failure(of address: Address, within limit: Duration) -> String? {
        func system(_ code: Int32) -> String { String(cString: strerror(code)) }
        let descriptor = socket(
            address.isIPv6 ? AF_INET6 : AF_INET,
            Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return system(errno) }
        defer { close(descriptor) }
        let status = address.bytes.withUnsafeBytes {
            connect(
                descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(address.bytes.count))
        }
        if status == 0 { return nil }
        guard errno == EINPROGRESS else { return system(errno) }
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&wait, 1, Int32(limit / .milliseconds(1))) == 1 else { return "no answer" }
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
        return failure == 0 ? nil : system(failure)
    }
}
