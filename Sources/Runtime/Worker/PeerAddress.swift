import Common
import Coordination
import Foundation

/// Where a worker listens for others: on the interface by which it reaches its coordinator, or beside the coordinator's local
/// socket.
enum PeerAddress {
    /// - Parameter coordinator: the address that the worker connects to.
    static func own(towards coordinator: String) throws -> String {
        if coordinator.hasPrefix("ipc://") {
            let path = coordinator.dropFirst("ipc://".count)
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? path.prefix(1).filter { $0 == "@" }
            return "ipc://\(folder)peer-\(getpid())-\(UInt64.random(in: .min ... .max).hexadecimal)"
        }
        // tcp://SOURCE;HOST:PORT names the near end too.
        let far = coordinator.dropFirst("tcp://".count).split(separator: ";").last ?? ""
        guard let colon = far.lastIndex(of: ":") else { throw unknown(coordinator, "it has no port") }
        let host = far[..<colon].drop { $0 == "[" }.prefix { $0 != "]" }
        let near = try interface(towards: String(host), port: String(far[far.index(after: colon)...]), coordinator)
        return near.contains(":") ? "tcp://[\(near)]:*" : "tcp://\(near):*"
    }

    /// The address of this machine that packets to another come from: asked of the system, nothing is sent.
    private static func interface(towards host: String, port: String, _ coordinator: String) throws -> String {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, port, &hints, &found)
        guard status == 0, let info = found else { throw unknown(coordinator, String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(found) }
        let descriptor = socket(info.pointee.ai_family, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { throw unknown(coordinator, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var (near, length) = (sockaddr_storage(), socklen_t(MemoryLayout<sockaddr_storage>.size))
        var text = [CChar](repeating: 0, count: 1025)
        let isKnown = withUnsafeMutablePointer(to: &near) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { near in
                connect(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0
                    && getsockname(descriptor, near, &length) == 0
                    && getnameinfo(near, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            }
        }
        guard isKnown else { throw unknown(coordinator, String(cString: strerror(errno))) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func unknown(_ coordinator: String, _ cause: String) -> SelMixError {
        SelMixError(.failed, "no address of this machine that leads to \(coordinator) is known", cause: cause)
    }
}
