import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What is under cluster/prometheus and cluster/grafana, against a real Prometheus that scrapes a real run.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["SELMIX_TEST_PROMETHEUS"] != nil, "needs Prometheus: scripts/test --all"
    ))
struct PrometheusTests {
    static let files = Program.package.appendingPathComponent("cluster")

    @Test func promtoolAcceptsTheFiles() throws {
        for arguments in [
            ["check", "rules", Self.files.appendingPathComponent("prometheus/selmix.rules.yml").path],
            ["check", "config", Self.files.appendingPathComponent("prometheus/prometheus.yml").path],
        ] {
            let result = try promtool(arguments)
            #expect(result.status == 0, "\(result.output)")
        }
    }

    /// Each alert fires for what it is there for, and for nothing else.
    @Test func alertsFireWhenTheyShould() throws {
        let result = try promtool([
            "test", "rules", Self.files.appendingPathComponent("prometheus/selmix.rules.test.yml").path,
        ])
        #expect(result.status == 0, "\(result.output)")
        // No alert is left out.
        let rules = try String(
            contentsOf: Self.files.appendingPathComponent("prometheus/selmix.rules.yml"), encoding: .utf8)
        let tests = try String(
            contentsOf: Self.files.appendingPathComponent("prometheus/selmix.rules.test.yml"), encoding: .utf8)
        for alert in rules.matches(of: /alert: (\w+)/) { #expect(tests.contains(alert.1), "\(alert.1)") }
    }

    @Test func everyQueryOfRulesAndDashboardsAnswers() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 100") { run.lastStep >= 100 }
        let address = try #require(URL(string: run.http))
        let metrics = try Data(contentsOf: address.appendingPathComponent("metrics"))
        let checked = try promtool(["check", "metrics"], input: metrics)
        #expect(checked.status == 0 && checked.output.isEmpty, "\(checked.output)")

        let target = "\(address.host ?? ""):\(address.port ?? 0)"
        let rules = Self.files.appendingPathComponent("prometheus/selmix.rules.yml").path
        let config = """
            global: {scrape_interval: 500ms, evaluation_interval: 500ms}
            rule_files: ["\(rules)"]
            scrape_configs: [{job_name: selmix, static_configs: [{targets: ["\(target)"]}]}]
            """
        try Data(config.utf8).write(to: URL(fileURLWithPath: folder.path("prometheus.yml")))
        let listen = "127.0.0.1:\(try freePort())"
        let prometheus = Process()
        prometheus.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        prometheus.arguments = [
            "prometheus", "--config.file=\(folder.path("prometheus.yml"))", "--web.listen-address=\(listen)",
            "--storage.tsdb.path=\(folder.path("series"))", "--log.level=error",
        ]
        prometheus.standardError = FileHandle.nullDevice
        try prometheus.run()
        defer {
            prometheus.terminate()
            prometheus.waitUntilExit()
        }
        func answer(_ query: String) throws -> String {
            let result = try promtool(["query", "instant", "http://\(listen)", query])
            return result.status == 0 ? result.output : ""
        }
        try eventually("a scrape") { try answer("up{job=\"selmix\"} == 1").contains("=> 1") }
        try eventually("steps that go on") { try answer("rate(selmix_steps_total[1m]) > 0").contains("=>") }
        let queries = try Self.queries()
        #expect(queries.count > 20)
        for query in queries {
            // Ranges need a second scrape, some figures a worker's second heartbeat.
            try eventually(query) { try answer(query).contains("=>") }
        }
        try eventually("the recorded progress") { try answer("selmix:progress:ratio > 0").contains("=>") }

        // A dead worker fires its alert.
        kill(try #require(run.workers["local-2"]), SIGKILL)
        try eventually("the loss") { try answer("selmix_incidents_total{kind=\"lost\"} == 1").contains("=>") }
        try eventually("the alert") {
            try answer("ALERTS{alertname=\"SelmixWorkersLost\", alertstate=\"firing\"}").contains("=> 1")
        }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)

        // The run that ended in order was seen to do so.
        try eventually("a scrape in vain") { try answer("up{job=\"selmix\"} == 0").contains("=> 0") }
        #expect(
            try answer("last_over_time(selmix_run_state{state=\"interrupted\"}[1d]) == 1").contains("=> 1"))
        #expect(try !answer("ALERTS{alertname=\"SelmixCoordinatorGone\"}").contains("=>"))
    }

    /// No alert or panel asks for a metric that a run does not have, also where it answers nothing while all is well.
    @Test func everyMetricIsThere() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 100") { run.lastStep >= 100 }
        let address = try #require(URL(string: run.http))
        let rules = try String(
            contentsOf: Self.files.appendingPathComponent("prometheus/selmix.rules.yml"), encoding: .utf8)
        let asked = Set(
            (rules + (try Self.queries().joined(separator: " "))).matches(of: /selmix_[a-z_]+/).map {
                String($0.output)
            })
        #expect(asked.count > 20)
        try eventually("all metrics") {
            let text = String(decoding: try Data(contentsOf: address.appendingPathComponent("metrics")), as: UTF8.self)
            return asked.allSatisfy { text.contains("# TYPE \($0) ") }
        }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    /// The queries of all panels, with the variables set as for everything.
    private static func queries() throws -> [String] {
        let data = try Data(contentsOf: files.appendingPathComponent("grafana/selmix.json"))
        let board = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(board["panels"] as? [[String: Any]])
        return panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }.compactMap { $0["expr"] as? String }.map {
            $0.replacing("$instance", with: ".*").replacing("$worker", with: ".*")
                .replacing("$__rate_interval", with: "1m")
        }
    }

    private func promtool(_ arguments: [String], input: Data = Data()) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["promtool"] + arguments
        let (source, sink) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (source, sink, sink)
        try process.run()
        try source.fileHandleForWriting.write(contentsOf: input)
        try source.fileHandleForWriting.close()
        let output = try sink.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    private func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }
}
