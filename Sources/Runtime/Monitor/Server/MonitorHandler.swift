import Common
import FlyingFox
import Foundation
import HTTP

/// Answers what is asked over HTTP, from the newest snapshot; README.md in the folder above is the contract.
struct MonitorHandler: HTTPHandler {
    let board: SnapshotBoard
    let access: HTTP.Access
    let statistics: HTTPStatistics
    /// Asks the coordinator that a worker leaves.
    let drain: @Sendable (_ worker: String, _ reason: String) -> Void
    private let rhythm: ScrapeRhythm
    private let cache = AnswerCache()

    init(
        board: SnapshotBoard, access: HTTP.Access, statistics: HTTPStatistics, rhythm: ScrapeRhythm,
        drain: @escaping @Sendable (String, String) -> Void
    ) {
        (self.board, self.access, self.statistics, self.drain) = (board, access, statistics, drain)
        self.rhythm = rhythm
    }

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        let path = request.target.path()
        let isRead = request.method == .GET || request.method == .HEAD
        if isRead, let open = open(path) { return open }
        switch access.decide(question(request, isRead: isRead)) {
        case .allowed: break
        case .forbidden(let reason): return failure(.forbidden, reason)
        case .unauthorized:
            if path == "/", isRead, let token = request.query["token"], access.isToken(token) {
                return admission(token)
            }
            return failure(
                .unauthorized, "a token is needed",
                hint:
                    "send `Authorization: Bearer TOKEN`, or open /?token=TOKEN in a browser; the coordinator's output "
                    + "directory has it in \(TokenFile.name)")
        }
        do {
            return try isRead ? read(path, request) : write(path, request)
        } catch let error as SelMixError where error.code == .usage {
            return failure(.badRequest, error.message, hint: error.hint)
        }
    }

    private func question(_ request: HTTPRequest, isRead: Bool) -> HTTP.Access.Question {
        HTTP.Access.Question(
            isRead: isRead, host: request.headers[.host], origin: request.headers[HTTPHeader("Origin")],
            authorization: request.headers[.authorization], cookie: request.headers[.cookie])
    }

    /// What anybody may know.
    private func open(_ path: String) -> HTTPResponse? {
        switch path {
        case "/healthz": return .text(.ok, "ok\n")
        case "/readyz":
            let state = board.newest.run.state
            return state == .waiting || state.isOver ? .text(.serviceUnavailable, "not ready\n") : .text(.ok, "ok\n")
        default: return nil
        }
    }

    /// Swaps the token for a cookie, so that it stays in no address bar.
    private func admission(_ token: String) -> HTTPResponse {
        let headers: HTTPHeaders = [
            .location: "/", .cacheControl: "no-store",
            .setCookie: "\(HTTP.Access.cookieName)=\(token); HttpOnly; SameSite=Strict; Path=/",
        ]
        return HTTPResponse(statusCode: .seeOther, headers: headers)
    }

    // MARK: Reading

    private func read(_ path: String, _ request: HTTPRequest) throws -> HTTPResponse {
        let newest = board.newest
        switch path {
        case "/": return page
        case "/api/v1/run": return try json("run", newest) { $0.run }
        case "/api/v1/workers": return try json("workers", newest) { $0.workers }
        case "/api/v1/rounds":
            let from = try number(request, "from", 0, 0...Int.max)
            let steps = try number(request, "steps", 128, 0...RoundsStatus.mostSteps)
            return try json("rounds \(from) \(steps)", newest) { RoundsStatus($0, from: from, steps: steps) }
        case "/api/v1/events":
            let after = try number(request, "after", 0, 0...Int.max)
            let limit = try number(request, "limit", 200, 1...EventsStatus.most)
            return try json("events \(after) \(limit)", newest) { EventsStatus($0, after: after, limit: limit) }
        case "/api/v1/selection": return try selection(request, newest)
        case "/api/v1/stream":
            return HTTPResponse(
                statusCode: .ok,
                headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                body: HTTPBodySequence(from: SnapshotStream(board: board, cache: cache)))
        case "/metrics":
            rhythm.asked(at: SystemClock.now)
            return .bytes(
                .ok, Data(MetricsText.text(newest, statistics).utf8),
                type: "text/plain; version=0.0.4; charset=utf-8")
        default: return Self.isDrain(path) == nil ? failure(.notFound, "there is nothing at \(path)") : notAllowed
        }
    }

    private var page: HTTPResponse {
        var random = SystemRandomNumberGenerator()
        let nonce = String(random.next(), radix: 16) + String(random.next(), radix: 16)
        var response = HTTPResponse.bytes(
            .ok, Data(DashboardPage.render(nonce: nonce).utf8), type: "text/html; charset=utf-8")
        response.headers[HTTPHeader("Content-Security-Policy")] = DashboardPage.policy(nonce: nonce)
        response.headers[HTTPHeader("Referrer-Policy")] = "no-referrer"
        return response
    }

    private func selection(_ request: HTTPRequest, _ newest: MonitorSnapshot) throws -> HTTPResponse {
        var query: [String: String] = [:]
        for item in request.query { query[item.name] = item.value }
        guard let wanted = try MatrixQuery(query, classes: newest.run.classes) else {
            return try json("selection", newest) { SelectionStatus($0) }
        }
        guard let block = MatrixStatus(newest, wanted) else {
            return failure(
                .notFound, "there is no matrix \(wanted.matrix.rawValue) now",
                hint: "/api/v1/selection lists the `matrices` that there are")
        }
        return .bytes(.ok, try AnswerCache.encode(block), type: "application/json")
    }

    private func json(
        _ key: String, _ snapshot: MonitorSnapshot, _ make: (MonitorSnapshot) -> some Encodable
    ) throws -> HTTPResponse {
        .bytes(.ok, try cache.answer(key, of: snapshot, make), type: "application/json")
    }

    private func number(_ request: HTTPRequest, _ name: String, _ fallback: Int, _ range: ClosedRange<Int>) throws
        -> Int
    {
        guard let text = request.query[name] else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            let limit = range.upperBound == .max ? "" : " and at most \(range.upperBound)"
            throw SelMixError(
                .usage, "\(name) is `\(text)`", hint: "it is a number from \(range.lowerBound) on\(limit)")
        }
        return value
    }

    // MARK: Changing

    private func write(_ path: String, _ request: HTTPRequest) throws -> HTTPResponse {
        guard request.method == .POST, let name = Self.isDrain(path) else { return notAllowed }
        let workers = board.newest.workers.workers.filter(\.state.isHere)
        guard let worker = workers.first(where: { $0.name == name }) else {
            return failure(.notFound, "there is no worker \(name)", hint: "/api/v1/workers lists them")
        }
        guard workers.contains(where: { $0.name != name && $0.state != .draining && $0.state != .joining }) else {
            return failure(
                .conflict, "\(name) is the only worker, and the run would stop",
                hint: "start another worker first, or stop the run")
        }
        if worker.state != .draining { drain(name, "asked to over HTTP") }
        return .bytes(
            .accepted, try AnswerCache.encode(DrainStatus(worker: name, state: "draining")), type: "application/json")
    }

    /// The worker's name in /api/v1/workers/NAME/drain.
    private static func isDrain(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count == 5, parts[0] == "api", parts[1] == "v1", parts[2] == "workers", parts[4] == "drain" else {
            return nil
        }
        return parts[3].removingPercentEncoding
    }

    // MARK: Errors

    private var notAllowed: HTTPResponse {
        failure(
            .methodNotAllowed, "not this way", hint: "read with GET; POST /api/v1/workers/NAME/drain drains a worker")
    }

    private func failure(_ status: HTTPStatusCode, _ message: String, hint: String? = nil) -> HTTPResponse {
        let body = try? AnswerCache.encode(ErrorStatus(error: message, hint: hint))
        return .bytes(status, body ?? Data(), type: "application/json")
    }
}
