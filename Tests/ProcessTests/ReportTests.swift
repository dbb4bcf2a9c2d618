import Foundation
import Testing

/// `selmix report` on what runs left.
@Suite struct ReportTests {
    /// The object that a page draws itself from.
    static func data(of page: String) throws -> [String: Any] {
        let text = try String(contentsOfFile: page, encoding: .utf8)
        let start = try #require(text.range(of: "<script id=\"data\" type=\"application/json\">"))
        let end = try #require(text.range(of: "</script>", range: start.upperBound..<text.endIndex))
        let json = try JSONSerialization.jsonObject(with: Data(text[start.upperBound..<end.lowerBound].utf8))
        return try #require(json as? [String: Any])
    }

    /// Matrices are in no file, and yet the page has the same bytes.
    @Test(arguments: ["min-recall", "h-mean"])
    func aPageIsMadeAgainToTheByte(objective: String) throws {
        let folder = try TemporaryFolder()
        let run = folder.path("run")
        let train = try Program.run(shortJob(output: run) + ["--set", "objective=\(objective)"])
        try #require(train.status == 0, "\(train.errors)")
        let before = try Data(contentsOf: URL(fileURLWithPath: run + "/report.html"))
        try FileManager.default.removeItem(atPath: run + "/report.html")
        let result = try Program.run("report", run)
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.output.hasSuffix("/report.html\n"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: run + "/report.html")) == before)
    }

    /// A page that keeps an objective's multipliers: they are made again too.
    @Test func aPageOfAConstrainedRunIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        let run = folder.path("run")
        let train = try Program.run(shortJob(output: run) + ["--set", "objective=mean-recall-coverage"])
        try #require(train.status == 0, "\(train.errors)")
        let other = folder.path("other.html")
        try #require(try Program.run("report", run, "--output", other).status == 0)
        #expect(FileManager.default.contentsEqual(atPath: other, andPath: run + "/report.html"))
    }

    @Test func aKilledRunHasAReportToo() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("round 5") { run.events("validated").count >= 6 && !run.events("checkpoint").isEmpty }
        train.send(SIGKILL)
        _ = train.waitForExit()
        #expect(!run.exists("report.json"))
        let result = try Program.run("report", run.path)
        try #require(result.status == 0, "\(result.errors)")
        let report = try #require(try Self.data(of: run.path + "/report.html")["report"] as? [String: Any])
        #expect(report["outcome"] as? String == "unfinished" && report["workers"] as? Int == 2)
        let (history, logged) = (try #require(report["history"] as? [[String: Any]]), run.events("validated"))
        for (told, line) in zip(history, logged) {
            #expect(told["round"] as? Int == line["round"] as? Int)
            #expect(told["objective"] as? Double == line["objective"] as? Double)
        }
        #expect(history.count >= 3 && (report["samplesPerSecond"] as? Double ?? 0) > 0)
    }

    @Test func runsAreComparedOnOnePage() throws {
        let folder = try TemporaryFolder()
        let sweep = folder.path("sweep")
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        let result = try Program.run(
            ["sweep", job, "--vary", "objective=min-recall,h-mean", "--vary", "seed=0,1", "--quiet", "--output", sweep]
                + SweepTests.short)
        try #require(result.status == 0, "\(result.errors)")
        let page = folder.path("all.html")
        let compared = try Program.run("report", sweep, "--output", page)
        try #require(compared.status == 0, "\(compared.errors)")
        let data = try Self.data(of: page)
        let runs = try #require(data["runs"] as? [[String: Any]])
        #expect(runs.count == 4)
        for run in runs {
            let own = try RunFolder(path: #require(run["directory"] as? String)).json("report.json")
            #expect(run["report"] as? NSDictionary == own as NSDictionary)
        }
        let settings = try #require(data["settings"] as? [[String: Any]])
        #expect(settings.map { $0["key"] as? String } == ["objective.name", "seed"])
        #expect(settings.last?["values"] as? [String] == ["0", "1", "0", "1"])

        // Two runs of one name are told apart by their directories.
        for name in ["a", "b"] { try #require(try Program.run(shortJob(output: folder.path(name))).status == 0) }
        let twins = try Program.run("report", folder.path("a"), folder.path("b"), "--output", page)
        try #require(twins.status == 0, "\(twins.errors)")
        let labels = try #require(try Self.data(of: page)["runs"] as? [[String: Any]]).map { $0["label"] as? String }
        #expect(labels == ["a", "b"])
    }

    @Test func whatIsNoRunIsToldAsSuch() throws {
        let folder = try TemporaryFolder()
        let run = folder.path("run")
        func fails(_ arguments: String..., status: Int32 = 3, with message: String) throws {
            let result = try Program.run(["report"] + arguments)
            #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
            #expect(result.errors.contains("hint: ") || result.errors.contains("("), "\(result.errors)")
        }
        try fails(folder.path("nothing"), with: "holds no run.json")
        // The last head, as so short a run may not improve on the one that it starts from.
        try #require(try Program.run(shortJob(output: run) + ["--set", "selmix.keep=last"]).status == 0)
        try fails(run, folder.path("nothing"), with: "holds no run.json")
        try fails(run, "--output", folder.path("no/page.html"), status: 1, with: "cannot write")

        let checkpoints = run + "/checkpoints"
        try FileManager.default.moveItem(atPath: checkpoints, toPath: folder.path("aside"))
        try fails(run, with: "is not the one that report.json came from")
        try FileManager.default.moveItem(atPath: folder.path("aside"), toPath: checkpoints)

        let report = URL(fileURLWithPath: run + "/report.json")
        try Data(Data(contentsOf: report).dropLast(40)).write(to: report)
        try fails(run, with: "report.json is no report")
        try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.path("sweep.json")))
        try fails(folder.url.path, with: "sweep.json is no list of runs")
    }
}
