import Foundation
import Testing

/// What a run tells over HTTP, while real workers train.
@Suite struct MonitorTests {
    /// A run that goes on until the test ends it, past its first steps.
    private func start(
        _ folder: TemporaryFolder, workers: Int, _ more: [String] = []
    ) throws -> (run: RunFolder, train: RunningProgram, watched: Watched) {
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: workers) + more)
        try eventually("the first steps: \(train.errors)") { run.lastStep >= 20 }
        let watched = try Watched(run)
        try eventually("a snapshot of the steps") { try watched.isReady }
        return (run, train, watched)
    }

    @Test func theWholeRunIsTold() throws {
        let folder = try TemporaryFolder()
        let (folderOfRun, train, watched) = try start(folder, workers: 2)
        try eventually("telemetry of both") {
            let workers = try watched.json("workers")["workers"] as? [[String: Any]] ?? []
            return workers.count == 2 && workers.allSatisfy { ($0["telemetry"] as? [String: Any])?["phases"] != nil }
        }
        let run = try watched.json("run")
        #expect(["training", "validating", "selecting"].contains(run["state"] as? String))
        #expect(run["classes"] as? Int == 10 && run["objectiveName"] as? String == "min-recall")
        #expect((run["step"] as? Int ?? 0) > 0 && (run["samplesPerSecond"] as? Double ?? 0) > 0)

        for worker in try watched.json("workers")["workers"] as? [[String: Any]] ?? [] {
            let name = try #require(worker["name"] as? String)
            #expect(worker["processID"] as? Int == folderOfRun.workers[name].map(Int.init))
            let telemetry = try #require(worker["telemetry"] as? [String: Any])
            #expect((telemetry["memoryBytes"] as? Int ?? 0) > 1 << 20 && (telemetry["cores"] as? Int ?? 0) > 0)
            #expect((telemetry["memoryPrivateBytes"] as? Int ?? 0) < telemetry["memoryBytes"] as? Int ?? 0)
            #expect((telemetry["bytesSent"] as? Int ?? 0) > 0 && (telemetry["bytesReceived"] as? Int ?? 0) > 0)
            let test = try #require(worker["selfTest"] as? [String: Any])
            for key in ["matrixFlopsPerSecond", "memoryBytesPerSecond", "diskBytesPerSecond", "roundTripSeconds"] {
                #expect((test[key] as? Double ?? 0) > 0, "\(key)")
            }
        }

        let rounds = try watched.json("rounds?from=1&steps=5")
        let steps = try #require(rounds["steps"] as? [[String: Any]])
        #expect(steps.count == 5)
        for step in steps {
            let parts = try #require(step["workers"] as? [[String: Any]])
            #expect(!parts.isEmpty && parts.allSatisfy { ($0["seconds"] as? Double ?? -1) >= 0 })
        }
        #expect(try watched.json("events?after=0")["first"] as? Int == 1)

        let selection = try watched.json("selection")
        #expect((selection["order"] as? [Int])?.sorted() == Array(0..<10))
        #expect((selection["recall"] as? [Any])?.count == 10)
        let pairs = try #require(selection["topPairs"] as? [[String: Any]])
        let probabilities = pairs.compactMap { $0["probability"] as? Double }
        #expect(pairs.count == 50 && probabilities == probabilities.sorted(by: >))
        for matrix in try #require(selection["matrices"] as? [String]) {
            let block = try watched.json("selection?matrix=\(matrix)&rows=2..10&bins=3")
            #expect((block["rowBins"] as? [[Int]]) == [[2, 3], [4, 6], [7, 9]])
            #expect((block["values"] as? [Double])?.count == 9)
        }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
        #expect((try? Peer(port: watched.port)) == nil, "the port outlives the run")
    }

    @Test func whatCannotBeAnsweredIsSaid() throws {
        let folder = try TemporaryFolder()
        // On a busy machine the only worker must not be given up in between.
        let (_, train, watched) = try start(folder, workers: 1, ["--set", "cluster.failureTimeout=30s"])
        let cases = [
            ("/api/v1/nothing", 404), ("/api/v1/selection?matrix=loss", 400), ("/api/v1/events?limit=0", 400),
            ("/api/v1/selection?matrix=gain&rows=3..99", 400), ("/api/v1/rounds?from=x", 400),
            ("/api/v1/selection?matrix=gain&bins=257", 400),
        ]
        for (target, status) in cases {
            let answer = try watched.ask(target)
            #expect(answer.status == status, "\(target)")
            #expect(try answer.json()["error"] is String)
        }
        #expect(try watched.ask("/api/v1/run", method: "DELETE").status == 405)
        #expect(try watched.ask("/api/v1/workers/nobody/drain", method: "POST").status == 404)
        // The only worker stays.
        #expect(try watched.ask("/api/v1/workers/local-1/drain", method: "POST").status == 409)
        #expect(try watched.ask("/healthz").body == "ok\n" && watched.ask("/readyz").status == 200)
        // A page of another origin, by its own name or by a name that means this machine.
        #expect(try watched.ask("/api/v1/run", ["Host": "evil.example"]).status == 403)
        #expect(
            try watched.ask("/api/v1/workers/local-1/drain", method: "POST", ["Origin": "http://evil.example"]).status
                == 403)
        #expect(try watched.ask("/api/v1/run", ["Origin": "http://evil.example"]).status == 403)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func aWorkerIsDrained() throws {
        let folder = try TemporaryFolder()
        let (run, train, watched) = try start(folder, workers: 2, ["--set", "cluster.failureTimeout=30s"])
        let answer = try Program.run("drain", "local-2", run.path)
        #expect(answer.status == 0 && answer.output == "local-2 is draining\n", "\(answer.errors)")
        try eventually("local-2 to be gone") { try watched.worker("local-2")?["state"] as? String == "left" }
        #expect((try watched.worker("local-2")?["reason"] as? String)?.contains("asked to over HTTP") == true)
        let step = run.lastStep
        try eventually("more steps") { run.lastStep > step + 10 }
        #expect(run.events("worker-lost").isEmpty)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func aStreamTellsUntilTheEnd() throws {
        let folder = try TemporaryFolder()
        let (_, train, watched) = try start(folder, workers: 1)
        let peer = try Peer(port: watched.port)
        peer.say("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        var heard = String(decoding: try #require(peer.hearSome()), as: UTF8.self)
        while heard.components(separatedBy: "event: run").count < 4 {
            heard += String(decoding: try #require(peer.hearSome()), as: UTF8.self)
        }
        train.send(SIGINT)
        heard += peer.hear()
        #expect(train.waitForExit() == 130)
        #expect(heard.contains("Content-Type: text/event-stream"))
        for kind in ["workers", "rounds", "events", "selection", "end"] {
            #expect(heard.contains("event: \(kind)\n"), "\(kind)")
        }
        // Step numbers are told once each, in order.
        let numbers = heard.matches(of: /"step":(\d+),"time":"[^"]*","waitedFor"/).compactMap { Int($0.1) }
        #expect(numbers.count > 20 && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
        let end = try #require(heard.components(separatedBy: "event: end\n").last)
        #expect(end.contains("\"state\":\"interrupted\""))
    }

    @Test func statusIsATableOrJSON() throws {
        let folder = try TemporaryFolder()
        let (run, train, watched) = try start(folder, workers: 2)
        let table = try Program.run("status", run.path)
        #expect(table.status == 0, "\(table.errors)")
        #expect(table.output.contains("local-1") && table.output.contains("round "))
        let json = try Program.run("status", "--connect", "http://127.0.0.1:\(watched.port)", "--json")
        let told = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect((told["workers"] as? [Any])?.count == 2)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)

        let late = try Program.run("status", run.path)
        #expect(late.status == 4 && late.errors.contains("no coordinator answers"), "\(late.errors)")
        #expect(try Program.run("status").status == 2)
        #expect(try Program.run("status", folder.path("nothing")).status == 3)
    }

    @Test func withoutHTTPNothingIsServed() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 1) + ["--http", "off"])
        try eventually("a step") { run.lastStep >= 0 }
        #expect(try run.json("run.json")["http"] == nil)
        #expect(try Program.run("status", run.path).errors.contains("is not served over HTTP"))
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func logsAreObjects() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2) + ["--log-format", "json"])
        try eventually("step 100") { run.lastStep >= 100 }
        kill(try #require(run.workers["local-2"]), SIGKILL)
        try eventually("the loss of local-2") { !run.events("worker-lost").isEmpty }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
        let lines = train.errors.split(separator: "\n")
        let entries = lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        #expect(entries.count == lines.count, "\(train.errors)")
        for entry in entries {
            #expect(entry["time"] is String && entry["level"] is String && entry["message"] is String)
        }
        #expect(entries.contains { ($0["message"] as? String)?.hasPrefix("lost worker local-2") == true })
        #expect(entries.last?["level"] as? String == "error")
    }
}
