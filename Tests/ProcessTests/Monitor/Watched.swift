import Foundation
import Testing

/// A run's HTTP port, as clients see it.
struct Watched {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String

        func json() throws -> [String: Any] {
            try #require(JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any], "\(body)")
        }
    }

    let port: UInt16

    init(_ run: RunFolder) throws {
        let url = try #require(try run.json("run.json")["http"] as? String)
        port = try #require(UInt16(url.split(separator: ":").last ?? ""))
    }

    func ask(_ target: String, method: String = "GET", _ headers: [String: String] = [:]) throws -> Answer {
        let peer = try Peer(port: port)
        let all = ["Host": "127.0.0.1:\(port)"].merging(headers) { $1 }
        peer.say(
            "\(method) \(target) HTTP/1.1\r\n" + all.map { "\($0): \($1)\r\n" }.joined() + "Connection: close\r\n\r\n")
        return try Self.answer(peer.hear())
    }

    /// What is served may be a quarter of a second behind the run.
    var isReady: Bool { get throws { try ask("/readyz").status == 200 } }

    func json(_ path: String) throws -> [String: Any] {
        let answer = try ask("/api/v1/\(path)")
        try #require(answer.status == 200, "\(path): \(answer.body)")
        return try answer.json()
    }

    /// The newest incarnation of a worker.
    func worker(_ name: String) throws -> [String: Any]? {
        let all = try json("workers")["workers"] as? [[String: Any]] ?? []
        return all.first { $0["name"] as? String == name }
    }

    /// Lines of /metrics that begin so.
    func metrics(_ start: String) throws -> [String] {
        try ask("/metrics").body.split(separator: "\n").map(String.init).filter { $0.hasPrefix(start) }
    }

    static func answer(_ text: String) throws -> Answer {
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces) }
        }
        return Answer(
            status: try #require(status, "\(text.prefix(200))"), headers: headers,
            body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}
