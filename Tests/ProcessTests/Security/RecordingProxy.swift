import Foundation
import Synchronization

/// Passes TCP connections on to another port of this machine, and keeps what goes each way: what someone between the two
/// sees.
final class RecordingProxy: Sendable {
    struct Connection {
        var toServer: [UInt8] = []
        var toClient: [UInt8] = []
    }

    private struct Failed: Error {}

    let address: String
    private let listener: Int32
    private let target: UInt16
    private let stopsAfter: Int
    private let rate: Int
    private let connections = Mutex<[Connection]>([])

    /// - Parameters:
    ///   - address: as ZeroMQ tells it, `tcp://127.0.0.1:PORT`.
    ///   - stopsAfter: so many bytes to a client are passed on, and then no more.
    ///   - rate: so many bytes a second go each way over each connection, of which nothing is kept; nil: all that come.
    init(before address: String, stopsAfter: Int = .max, rate: Int? = nil) throws {
        self.stopsAfter = stopsAfter
        self.rate = rate ?? .max
        target = try port(of: address)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var here = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &here) { here in
            here.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 100) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard status else { throw Failed() }
        self.address = "tcp://127.0.0.1:\(UInt16(bigEndian: here.sin_port))"
        Thread { [self] in accept() }.start()
    }

    /// No more connections; those that are there end by themselves.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    var recordings: [Connection] { connections.withLock { $0 } }

    private func accept() {
        while case let client = Glibc.accept(listener, nil, nil), client >= 0 {
            guard let server = try? Self.connected(to: target) else {
                close(client)
                continue
            }
            let index = connections.withLock { connections in
                connections.append(Connection())
                return connections.count - 1
            }
            let ends = Mutex(2)
            let pass = {
                @Sendable [self]
                (from: Int32, to: Int32, keep: @Sendable @escaping (inout Connection, ArraySlice<UInt8>) -> Void) in
                // Little at a time, so that a slow connection is slow all along.
                var buffer = [UInt8](repeating: 0, count: rate == .max ? 1 << 16 : max(1, rate / 50))
                var isOpen = true
                while case let count = recv(from, &buffer, buffer.count, 0), count > 0 {
                    if rate != .max { usleep(UInt32(count * 1_000_000 / rate)) }
                    let passed = connections.withLock {
                        if rate == .max { keep(&$0[index], buffer[..<count]) }
                        return $0[index].toClient.count
                    }
                    // The connection stays, and nothing more comes over it, until the client hangs up.
                    if from == server, passed > stopsAfter { while ends.withLock({ $0 == 2 }) { usleep(10_000) } }
                    // Read on even if nobody listens: closing a connection with unread bytes takes back what was sent over it.
                    if isOpen { isOpen = Self.sendAll(buffer[..<count], over: to) }
                }
                shutdown(to, Int32(SHUT_WR))
                let isLast = ends.withLock {
                    $0 -= 1
                    return $0 == 0
                }
                if isLast {
                    close(client)
                    close(server)
                }
            }
            Thread { pass(client, server) { $0.toServer += $1 } }.start()
            Thread { pass(server, client) { $0.toClient += $1 } }.start()
        }
        close(listener)
    }

    static func sendAll(_ bytes: ArraySlice<UInt8>, over descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A connection to a port of this machine.
    static func connected(to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var target = loopback(port: port)
        let status = withUnsafePointer(to: &target) { target in
            target.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw Failed()
        }
        return descriptor
    }
}
