import Common
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks a running coordinator about its run, over HTTP.
public struct MonitorClient: Sendable {
    public let url: URL
    private let token: String?
    private static let patience: TimeInterval = 10

    /// - Parameters:
    ///   - place: a run's output directory, whose run.json tells where it is served, or a URL.
    ///   - tokenFile: where the token is, if one is needed; by default the one in the output directory, if there is one.
    public init(_ place: String, tokenFile: String? = nil) throws {
        var file = tokenFile
        let address: String
        if place.hasPrefix("http://") || place.hasPrefix("https://") {
            address = place
        } else {
            let info = try RunLog.info(run: place)
            guard let http = info.http, !info.finished else {
                throw SelMixError(
                    .invalidInput,
                    info.finished ? "the run in \(place) is finished" : "the run in \(place) is not served over HTTP",
                    hint: info.finished
                        ? "see \(place)/\(RunDirectory.Name.page) and `selmix explain \(place)`"
                        : "start it without `--http off`")
            }
            address = http
            let made = place + "/" + TokenFile.name
            if file == nil, FileManager.default.fileExists(atPath: made) { file = made }
        }
        guard let url = URL(string: address), url.host != nil else {
            throw SelMixError(.usage, "`\(place)` is no address", hint: "use http://HOST:PORT, or an output directory")
        }
        self.url = url
        token = try file.map { try TokenFile.read($0) }
    }

    public func run() async throws -> RunStatus { try await get("run") }
    public func workers() async throws -> WorkersStatus { try await get("workers") }

    /// - Parameter after: events of a higher number.
    public func events(after: Int, limit: Int) async throws -> EventsStatus {
        try await get("events?after=\(after)&limit=\(limit)")
    }

    /// Asks that a worker hands over and leaves.
    public func drain(_ worker: String) async throws -> DrainStatus {
        let name = worker.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? worker
        return try await ask("workers/\(name)/drain", method: "POST")
    }

    private func get<Answer: Decodable>(_ path: String) async throws -> Answer { try await ask(path, method: "GET") }

    private func ask<Answer: Decodable>(_ path: String, method: String) async throws -> Answer {
        guard let target = URL(string: "/api/v1/" + path, relativeTo: url) else {
            throw SelMixError(.usage, "`\(path)` behind \(url.absoluteString) is no address")
        }
        var request = URLRequest(url: target, timeoutInterval: Self.patience)
        request.httpMethod = method
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        let answer: (Data, URLResponse)
        do {
            answer = try await URLSession.shared.data(for: request)
        } catch {
            throw SelMixError(
                .cluster, "no coordinator answers at \(url.absoluteString)",
                hint: "the run may have ended; its output directory tells what became of it",
                cause: (error as NSError).localizedDescription)
        }
        let status = (answer.1 as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status) else {
            let told = try? JSONDecoder().decode(ErrorStatus.self, from: answer.0)
            throw SelMixError(
                status == 400 || status == 404 ? .invalidInput : .cluster,
                told?.error ?? "\(url.absoluteString) answered with status \(status)", hint: told?.hint)
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: answer.0)
        } catch {
            throw SelMixError(.cluster, "\(url.absoluteString) is no coordinator of this version", cause: "\(error)")
        }
    }
}
