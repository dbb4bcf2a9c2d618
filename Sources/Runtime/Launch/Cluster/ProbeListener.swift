import Common
import Foundation
import Messaging

/// Listens at the addresses that the coordinator will have, while hosts are checked, and says a word to whoever connects: so
/// each host tells before anything starts whether its workers will get through.
final class ProbeListener: @unchecked Sendable {
    let port: UInt16
    /// Random, so that another launcher on the same port is not taken for this one.
    let word: String
    private let descriptor: Int32

    /// - Parameters:
    ///   - host: a name or address of this machine, or `*` for all.
    ///   - port: 0 for any that is free.
    init(host: String, port wanted: UInt16, word: String) throws {
        self.word = word
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        if host == "*" { hints.ai_family = AF_INET }
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host == "*" ? nil : host, "\(wanted)", &hints, &found)
        guard status == 0, let address = found else {
            throw Self.error(host, wanted, cause: String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(found) }
        descriptor = socket(
            address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0, listen(descriptor, 128) == 0
        else {
            let cause = errno
            close(descriptor)
            throw Self.error(host, wanted, inUse: cause == EADDRINUSE, cause: String(cString: strerror(cause)))
        }
        port = Self.port(of: descriptor)
        do {
            try SystemThread.start { [descriptor] in Self.answer(descriptor, word) }
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Says the word to whoever connects, until the port is freed.
    private static func answer(_ descriptor: Int32, _ word: String) {
        while true {
            let peer = accept(descriptor, nil, nil)
            if peer < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            _ = Array(word.utf8).withUnsafeBytes {
                send(peer, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL))
            }
            close(peer)
        }
    }

    /// Frees the port.
    func stop() {
        // Wakes the thread out of accept.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private static func port(of descriptor: Int32) -> UInt16 {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
            // The port is at the same place for IPv4 and IPv6.
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }

    private static func error(_ host: String, _ port: UInt16, inUse: Bool = false, cause: String) -> SelMixError {
        let place = host.contains(":") ? "[\(host)]" : host
        return SelMixError(
            .cluster,
            inUse
                ? "the port \(port) of \(host) is in use" : "cannot listen on \(place)" + (port == 0 ? "" : ":\(port)"),
            hint: inUse
                ? "another coordinator may be running there; choose another port with --bind, or leave it out for any"
                : "give an address of this machine that the hosts can reach: --bind tcp://ADDRESS:PORT", cause: cause)
    }
}
