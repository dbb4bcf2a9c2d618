import Foundation
import Testing

/// `selmix sweep` on the bundled digits.
@Suite struct SweepTests {
    static let job = Program.digits.appendingPathComponent("min-recall.yaml").path
    static let short = ["--set", "selmix.rounds=4", "--set", "selmix.stepsPerRound=10", "--workers", "2"]

    @Test func runsEveryCombination() throws {
        let folder = try TemporaryFolder()
        let sweep = RunFolder(path: folder.path("sweep"))
        let result = try Program.run(
            ["sweep", Self.job, "--vary", "objective=min-recall,h-mean", "--vary", "seed=0,1", "--json", "--quiet"]
                + ["--output", sweep.path] + Self.short)
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.errors.isEmpty)
        let report = try sweep.json("sweep.json")
        #expect(result.output == (try String(contentsOfFile: sweep.path + "/sweep.json", encoding: .utf8)))
        let runs = try #require(report["runs"] as? [[String: Any]])
        let names = ["min-recall-0", "min-recall-1", "h-mean-0", "h-mean-1"]
        #expect(runs.map { ($0["directory"] as? String ?? "").split(separator: "/").last.map(String.init) } == names)
        for (run, name) in zip(runs, names) {
            let settings = try #require(run["settings"] as? [String: String])
            #expect("\(settings["objective"] ?? "")-\(settings["seed"] ?? "")" == name)
            // The line says what the run's own report says.
            let own = try RunFolder(path: sweep.path + "/" + name).json("report.json")
            #expect(own["objective"] as? String == settings["objective"])
            #expect((own["seed"] as? Int).map(String.init) == settings["seed"])
            #expect(run["outcome"] as? String == "finished" && run["bestRound"] as? Int == own["bestRound"] as? Int)
            let after = try #require(own["after"] as? [String: Any])
            #expect(run["test"] as? NSDictionary == after["test"] as? NSDictionary)
        }
        // The best of each objective on validation is marked, as values of two objectives cannot be compared.
        let marks = runs.map { $0["best"] as? Bool ?? false }
        let values = try runs.map { try #require($0["value"] as? Double) }
        for pair in [0...1, 2...3] {
            #expect(marks[pair].count { $0 } == 1)
            #expect(try values[#require(marks[pair].firstIndex(of: true))] == values[pair].max())
        }
    }

    @Test func showsATable() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run(
            ["sweep", Self.job, "--vary", "selmix.temperature={relative: 0.5},{absolute: 0.1}"]
                + ["--output", folder.path("sweep")] + Self.short)
        try #require(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.first?.contains("selmix.temperature  validation  best round  accuracy") == true)
        #expect(lines.count { $0.hasPrefix(">  {") } == 1)
        #expect(result.errors.contains("run 2 of 2: selmix.temperature={absolute: 0.1}"))
        #expect(FileManager.default.fileExists(atPath: folder.path("sweep/relative_0.5/report.html")))
    }

    @Test(arguments: [
        (["seed=0,1", "selmix.round=3"], Int32(3), "unknown key `selmix.round`"),
        (["batch=64,60"], 3, "batch 60 is not divisible"),
        (["data.test.features=digits.safetensors#test.features,gone.npy"], 3, "gone.npy"),
        (["seed"], 2, "is not of the form"), (["seed=1", "seed=2"], 2, "varied twice"),
        (["seed=1", "batch=8", "name=a"], 2, "--vary is given 3 times"),
    ])
    func nothingStartsIfOneCombinationIsWrong(vary: [String], status: Int32, message: String) throws {
        let folder = try TemporaryFolder()
        let arguments = ["sweep", Self.job, "--output", folder.path("sweep")] + vary.flatMap { ["--vary", $0] }
        let result = try Program.run(arguments)
        #expect(result.status == status && result.errors.contains(message), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("sweep")))
    }

    @Test func aFailingRunEndsItAndKeepsTheOthers() throws {
        let folder = try TemporaryFolder()
        let sweep = RunFolder(path: folder.path("sweep"))
        let arguments =
            ["sweep", Self.job, "--vary", "optimizer.learningRate=3e-4,1e30,1e-4", "--output", sweep.path] + Self.short
        let result = try Program.run(arguments)
        #expect(result.status == 1 && result.errors.contains("error: optimizer.learningRate=1e30: training diverged"))
        let report = try sweep.json("sweep.json")
        let runs = try #require(report["runs"] as? [[String: Any]])
        #expect(report["planned"] as? Int == 3 && runs.count == 2)
        #expect(runs.map { $0["outcome"] as? String } == ["finished", "failed"])
        #expect(runs.map { $0["best"] as? Bool } == [true, false])
        // What is there is not mixed with another sweep.
        let second = try Program.run(arguments)
        #expect(second.status == 1 && second.errors.contains("is not empty"))
    }

    /// In the second run, as the first one's end must not cost the signals.
    @Test func anInterruptEndsItAndKeepsWhatIsThere() throws {
        let folder = try TemporaryFolder()
        let sweep = RunFolder(path: folder.path("sweep"))
        let process = try RunningProgram(
            ["sweep", Self.job, "--vary", "selmix.rounds=2,20000", "--workers", "2", "--output", sweep.path])
        let second = RunFolder(path: sweep.path + "/20000")
        try eventually("step 100 of the second run") { second.lastStep >= 100 }
        process.send(SIGINT)
        #expect(process.waitForExit() == 130)
        #expect(process.errors.contains("error: selmix.rounds=20000: the run was interrupted (SIGINT)"))
        let runs = try #require(try sweep.json("sweep.json")["runs"] as? [[String: Any]])
        #expect(runs.map { $0["outcome"] as? String } == ["finished", "interrupted"])
        #expect(second.exists("head.safetensors"))
    }
}
