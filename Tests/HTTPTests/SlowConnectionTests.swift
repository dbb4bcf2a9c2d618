import FlyingFox
import Foundation
import Testing

@testable import HTTP

/// Whoever holds connections and says nothing hides nothing from others.
@Suite struct SlowConnectionTests {
    private struct Answer: HTTPHandler {
        func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse { .text(.ok, "here\n") }
    }

    private func connect(_ port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(status == 0)
        return descriptor
    }

    private func say(_ text: String, _ descriptor: Int32) {
        _ = Array(text.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress!, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// - Returns: what is heard until the end, or until enough.
    private func hear(_ descriptor: Int32) -> String {
        var heard: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { heard += buffer[..<count] }
        return String(decoding: heard, as: UTF8.self)
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\nHost: lo"]) func aNewConnectionTakesTheSlowestOnesPlace(said: String)
        async throws
    {
        var limits = HTTPService.Limits()
        limits.connections = 8
        let service = try HTTPService(
            .loopback, limits: limits, statistics: HTTPStatistics(), handler: Answer())
        service.start()
        let slow = (0..<30).map { _ in
            let descriptor = connect(service.address.port)
            say(said, descriptor)
            return descriptor
        }
        let own = connect(service.address.port)
        say("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", own)
        let heard = await Task.detached { hear(own) }.value
        #expect(heard.hasPrefix("HTTP/1.1 200"), "\(heard)")
        for descriptor in slow + [own] { close(descriptor) }
        await service.stop(grace: .seconds(1))
    }

    @Test func aQuarterOfThePlacesIsNotForStreams() {
        let table = ConnectionTable(most: 8)
        // None of these is a descriptor, so that nothing is shut down.
        let numbers = (0..<8).compactMap { _ in table.open(-1) }
        let streams = numbers.filter { table.set(.streaming, of: $0) }
        #expect(streams.count == 6)
        // The two that are no streams make room, one after the other.
        #expect(table.open(-1) != nil && table.open(-1) != nil)
        #expect(!table.set(.reading, of: numbers[6]) && !table.set(.reading, of: numbers[7]))
        #expect(streams.allSatisfy { table.set(.streaming, of: $0) || true })
    }
}
