import Common
import Foundation

/// A port at which a launcher listens while it checks its hosts, and the word it says there.
struct ProbeAddress: Codable, Sendable, Equatable {
    var host: String
    var port: UInt16
    var word: String

    private static let patience: Int32 = 5000

    /// Connects and listens for the word.
    ///
    /// - Returns: what is wrong; nil if it was heard.
    func problem() -> String? {
        let place = "the launcher at \(host):\(port)"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, "\(port)", &hints, &found)
        guard status == 0, let address = found else {
            return "\(place) cannot be reached: \(String(cString: gai_strerror(status)))"
        }
        defer { freeaddrinfo(found) }
        let descriptor = socket(
            address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return "\(place) cannot be reached: \(String(cString: strerror(errno)))" }
        defer { close(descriptor) }
        if connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) != 0, errno != EINPROGRESS {
            return "\(place) cannot be reached: \(String(cString: strerror(errno)))"
        }
        guard Self.wait(descriptor, for: POLLOUT) else { return "\(place) does not answer" }
        var failure: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
        guard failure == 0 else { return "\(place) cannot be reached: \(String(cString: strerror(failure)))" }
        var heard: [UInt8] = []
        while heard.count < word.utf8.count, Self.wait(descriptor, for: POLLIN) {
            var buffer = [UInt8](repeating: 0, count: 256)
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            heard += buffer.prefix(count)
        }
        return heard == Array(word.utf8) ? nil : "something else than the launcher answers at \(host):\(port)"
    }

    private static func wait(_ descriptor: Int32, for events: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return Foundation.poll(&poll, 1, patience) == 1
    }
}
