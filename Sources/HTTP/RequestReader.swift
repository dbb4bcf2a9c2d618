import FlyingFox
import FlyingSocks
import Foundation

/// Takes requests off a connection, within bounds: whatever arrives, little of it is kept.
struct RequestReader {
    /// Why a connection is answered and closed.
    struct Refusal: Error, Equatable {
        var status: HTTPStatusCode
        var reason: String
    }

    /// Bytes of a request line with its headers, and of a body, which nobody here needs.
    static let longestHead = 16 << 10
    static let longestBody = 16 << 10

    private let socket: AsyncSocket
    /// Time for a whole head, so that nobody holds a connection with a byte now and then.
    private let limit: Duration
    private var buffer: [UInt8] = []

    init(_ socket: AsyncSocket, limit: Duration) {
        self.socket = socket
        self.limit = limit
    }

    /// - Returns: nil when the peer has nothing more to ask.
    mutating func next() async throws -> HTTPRequest? {
        let deadline = ContinuousClock.now + limit
        var searched = 0
        while true {
            if let end = Self.endOfHead(buffer, from: searched) {
                let request = try Self.request(head: buffer[..<end])
                buffer.removeFirst(end)
                try await skipBody(of: request, until: deadline)
                return request
            }
            searched = max(0, buffer.count - 3)
            guard buffer.count < Self.longestHead else {
                throw Refusal(status: .requestHeaderFieldsTooLarge, reason: "a request of more than 16 KiB")
            }
            guard ContinuousClock.now < deadline else { return nil }
            do {
                buffer += try await socket.read(atMost: 4096)
            } catch SocketError.disconnected {
                return nil
            }
        }
    }

    private mutating func skipBody(of request: HTTPRequest, until deadline: ContinuousClock.Instant) async throws {
        guard request.headers[.transferEncoding] == nil else {
            throw Refusal(status: .lengthRequired, reason: "a body without Content-Length")
        }
        guard let text = request.headers[.contentLength] else { return }
        guard let length = Int(text), (0...Self.longestBody).contains(length) else {
            throw Refusal(status: .payloadTooLarge, reason: "a body of more than 16 KiB")
        }
        while buffer.count < length, ContinuousClock.now < deadline {
            buffer += try await socket.read(atMost: length - buffer.count)
        }
        buffer.removeFirst(min(length, buffer.count))
    }

    /// The index behind the empty line; lines may end with a line feed alone.
    private static func endOfHead(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while let feed = bytes[index...].firstIndex(of: 10) {
            if bytes[(feed + 1)...].first == 10 { return feed + 2 }
            if bytes[(feed + 1)...].starts(with: [13, 10]) { return feed + 3 }
            index = feed + 1
        }
        return nil
    }

    /// - Parameter head: request line and headers, with their line ends.
    static func request(head: some Collection<UInt8>) throws -> HTTPRequest {
        let lines = head.split(separator: 10).map { $0.last == 13 ? $0.dropLast() : $0 }.filter { !$0.isEmpty }
        // A zero byte or another control character has no business in a request.
        guard let first = lines.first, lines.allSatisfy({ $0.allSatisfy { $0 >= 32 || $0 == 9 } }),
            let line = String(bytes: first, encoding: .utf8)
        else { throw Refusal(status: .badRequest, reason: "not a request") }
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[1].hasPrefix("/"), words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0",
            words[0].allSatisfy({ $0.isASCII && $0.isLetter })
        else { throw Refusal(status: .badRequest, reason: "not a request") }

        var headers = HTTPHeaders()
        for line in lines.dropFirst() {
            guard let text = String(bytes: line, encoding: .utf8), let colon = text.firstIndex(of: ":") else {
                throw Refusal(status: .badRequest, reason: "not a header")
            }
            let header = HTTPHeader(String(text[..<colon]))
            let value = text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            // Two different values of these would mean one thing to us and another to a proxy.
            if [.host, .contentLength, .authorization].contains(header), headers[header] != nil {
                throw Refusal(status: .badRequest, reason: "two \(header.rawValue) headers")
            }
            headers.addValue(value, for: header)
        }
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return HTTPRequest(
            method: HTTPMethod(String(words[0])), version: HTTPVersion(String(words[2])),
            target: .init(path: String(target[0]), query: target.count > 1 ? String(target[1]) : ""),
            headers: headers, body: HTTPBodySequence())
    }
}

extension HTTPRequest {
    /// Whether the connection stays for another request.
    var keepsConnection: Bool {
        let said = (headers[.connection] ?? "").lowercased()
        return version == .http11 ? !said.contains("close") : said.contains("keep-alive")
    }
}
