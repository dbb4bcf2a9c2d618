import Foundation
import Testing

/// Whoever reaches the HTTP port can send what they like, or read nothing: the run goes on, and nothing grows.
@Suite struct HostileClientTests {
    private func residentMiB(_ process: Int32) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8)
        return Int(try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })) * 4096 >> 20
    }

    @Test func aHundredClientsThatNeverReadCostNothing() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 1))
        try eventually("step 200") { run.lastStep >= 200 }
        let watched = try Watched(run)
        let before = try residentMiB(train.processID)
        var silent: [Peer] = []
        for _ in 0..<100 {
            let peer = try Peer(port: watched.port)
            peer.say("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            silent.append(peer)
        }
        try eventually("a hundred connections") {
            let text = try watched.metrics("selmix_http_connections ").first?.split(separator: " ").last
            return text.flatMap { Int($0) } ?? 0 >= 100
        }
        let step = run.lastStep
        try eventually("five hundred more steps") { run.lastStep > step + 500 }
        let after = try residentMiB(train.processID)
        #expect(after - before < 64, "\(before) MiB before, \(after) MiB after")
        // Those that read are answered all the same.
        #expect(try watched.ask("/healthz").status == 200)
        withExtendedLifetime(silent) {}
        silent = []
        try eventually("the connections to be closed") {
            let text = try watched.metrics("selmix_http_connections ").first?.split(separator: " ").last
            return text.flatMap { Int($0) } ?? 100 < 10
        }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func garbageIsRefusedAndTheRunGoesOn() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 1))
        try eventually("step 20") { run.lastStep >= 20 }
        let watched = try Watched(run)
        let garbage: [(String, [Int])] = [
            ("\r\n\r\n", [400]), ("GET\r\n\r\n", [400]), ("GET /api/v1/run\r\n\r\n", [400]),
            ("GET /api/v1/run HTTP/9\r\n\r\n", [400]), ("GET http://x/ HTTP/1.1\r\n\r\n", [400]),
            ("GET / HTTP/1.1\r\nno header\r\n\r\n", [400]), ("\u{0}\u{1}\u{2}\r\n\r\n", [400]),
            ("GET /api/v1/run HTTP/1.1\r\n\r\n", [403]),
            ("GET /api/v1/run HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", [400]),
            ("POST /api/v1/workers/x/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", [413]),
            ("POST /api/v1/workers/x/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", [413]),
            ("POST /api/v1/workers/x/drain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", [411]),
            ("GET /api/v1/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", [404]),
            ("GET /%00%ff%2e%2e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", [404]),
        ]
        for (text, statuses) in garbage {
            let peer = try Peer(port: watched.port)
            peer.say(text)
            let heard = peer.hear()
            #expect(
                statuses.contains(try Watched.answer(heard).status), "\(text.debugDescription): \(heard.prefix(80))")
        }
        // A head without an end is cut off, however long it goes on.
        let before = try residentMiB(train.processID)
        let endless = try Peer(port: watched.port)
        var sent = 0
        endless.say("GET /")
        while sent < 64 << 20, endless.say([UInt8](repeating: UInt8(ascii: "a"), count: 65536)) { sent += 65536 }
        #expect(sent < 64 << 20, "all of \(sent >> 20) MiB were taken")
        #expect(try residentMiB(train.processID) - before < 32)
        var draw = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let peer = try Peer(port: watched.port)
            _ = peer.say((0..<200).map { _ in UInt8.random(in: 0...255, using: &draw) })
        }
        let step = run.lastStep
        try eventually("more steps") { run.lastStep > step + 100 }
        #expect(try watched.ask("/healthz").body == "ok\n")
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    /// Beyond the loopback interface a token is needed, nothing is changed, and the page swaps the token for a cookie.
    @Test func aTokenGuardsWhatIsServedToOthers() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2) + ["--http", "0.0.0.0:0"])
        try eventually("step 20") { run.lastStep >= 20 }
        let watched = try Watched(run)
        try eventually("a snapshot of the steps") { try watched.isReady }
        let file = run.path + "/http-token"
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let token = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
        #expect(token.count == 64)
        for target in ["/", "/api/v1/run", "/api/v1/stream", "/metrics", "/nothing", "/?token=wrong"] {
            #expect(try watched.ask(target).status == 401, "\(target)")
        }
        #expect(try watched.ask("/healthz").status == 200)
        try eventually("readiness, open to all") { try watched.ask("/readyz").status == 200 }
        let bearer = ["Authorization": "Bearer \(token)"]
        #expect(try watched.ask("/api/v1/run", bearer).status == 200)
        #expect(try watched.ask("/api/v1/run", bearer.merging(["Host": "evil.example"]) { $1 }).status == 403)
        #expect(try watched.ask("/api/v1/workers/local-1/drain", method: "POST", bearer).status == 403)
        let swap = try watched.ask("/?token=\(token)")
        #expect(swap.status == 303 && swap.headers["location"] == "/")
        let cookie = try #require(swap.headers["set-cookie"])
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
        let pair = try #require(cookie.split(separator: ";").first.map(String.init))
        #expect(try watched.ask("/api/v1/run", ["Cookie": pair]).status == 200)
        #expect(try Program.run("status", run.path).status == 0)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }
}
