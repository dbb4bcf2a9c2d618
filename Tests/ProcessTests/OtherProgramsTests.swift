import Foundation
import Testing

/// What a run leaves, read by the programs that people read it with. `scripts/test --all` installs those and says where
/// they are; without them these tests are skipped.
@Suite struct OtherProgramsTests {
    static let environment = ProcessInfo.processInfo.environment

    @Test(.enabled(if: environment["SELMIX_TEST_PYTHON"] != nil, "needs numpy: scripts/test --all"))
    func numpyLoadsTheHeadAndAgreesWithTheReport() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try Program.run(shortJob(output: run.path))
        try #require(train.status == 0, "\(train.errors)")
        let script = """
            import json, sys, numpy, safetensors.numpy
            head = safetensors.numpy.load_file(sys.argv[1] + "/head.safetensors")
            data = safetensors.numpy.load_file(sys.argv[2] + "/digits.safetensors")
            assert head["weight"].shape == (10, 64) and head["weight"].dtype == numpy.float32
            predicted = (data["test.features"] @ head["weight"].T + head["bias"]).argmax(1)
            labels = data["test.labels"]
            print(min((predicted[labels == k] == k).mean() for k in range(10)))
            """
        let found = try output(
            of: Self.environment["SELMIX_TEST_PYTHON"]!, ["-c", script, run.path, Program.digits.path])
        let report = try run.json("report.json")
        let after = try #require((report["after"] as? [String: Any])?["test"] as? [String: Any])
        let minRecall = try #require(after["minRecall"] as? Double)
        #expect(abs(try #require(Double(found.trimmingCharacters(in: .whitespacesAndNewlines))) - minRecall) < 1e-12)
    }

    /// The event files of a run whose coordinator was killed in between, as TensorBoard itself reads them.
    @Test(.enabled(if: environment["SELMIX_TEST_PYTHON"] != nil, "needs TensorBoard: scripts/test --all"))
    func tensorBoardFindsTheReportsFigures() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let arguments = ["train", RestartTests.job, "--workers", "2"] + RestartTests.settings(output: run.path)
        let first = try RunningProgram(arguments)
        try eventually("step 600") { run.lastStep >= 600 }
        first.send(SIGKILL)
        _ = first.waitForExit()
        let second = try Program.run(arguments + ["--resume"])
        try #require(second.status == 0, "\(second.errors)")

        let script = """
            import json, sys
            from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
            everything = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "histograms": 0}).Reload()
            tags = everything.Tags()
            print(json.dumps({
                "scalars": {tag: [[e.step, e.value] for e in everything.Scalars(tag)] for tag in tags["scalars"]},
                "histograms": {tag: [[e.step, h.min, h.max, h.num, h.sum, sum(h.bucket)] for e in
                    everything.Histograms(tag) for h in [e.histogram_value]] for tag in tags["histograms"]}}))
            """
        let text = try output(of: Self.environment["SELMIX_TEST_PYTHON"]!, ["-c", script, run.path + "/tensorboard"])
        struct Found: Decodable {
            var scalars: [String: [[Double]]]
            var histograms: [String: [[Double]]]
        }
        let found = try JSONDecoder().decode(Found.self, from: Data(text.utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: run.path + "/tensorboard").count == 2)

        let report = try run.json("report.json")
        let history = try #require(report["history"] as? [[String: Any]])
        for (key, tag) in [
            ("objective", "validation/objective"), ("accuracy", "validation/accuracy"),
            ("minRecall", "validation/minRecall"), ("hMean", "validation/hMean"),
            ("minCoverage", "validation/minCoverage"), ("objectiveChange", "validation/objectiveChange"),
            ("largestGain", "selection/largestGain"), ("expectedGain", "selection/expectedGain"),
            ("positivePairs", "selection/positivePairs"), ("loss", "training/roundLoss"),
        ] {
            let expected = history.compactMap { round in
                (round[key] as? Double).map { [Double(round["round"] as? Int ?? -1), Double(Float($0))] }
            }
            #expect(expected.count >= 40 && found.scalars[tag] == expected, "\(tag)")
        }
        let losses = run.events("step").map {
            [Double($0["step"] as? Int ?? -1), Double(Float($0["loss"] as! Double))]
        }
        #expect(losses.count == 2000 && found.scalars["training/loss"] == losses)

        let recalls = try #require(found.histograms["validation/recall"])
        #expect(recalls.map { $0[0] } == (0...40).map(Double.init))
        for (found, round) in zip(recalls, history) {
            #expect(try abs(found[1] - #require(round["minRecall"] as? Double)) < 1e-12)
            #expect(found[3] == 10 && found[5] == 10)
            #expect(try abs(found[4] / 10 - #require(round["meanRecall"] as? Double)) < 1e-12)
        }
    }

    @Test(.enabled(if: environment["SELMIX_TEST_CHROMIUM"] != nil, "needs Chromium: scripts/test --all"))
    func aBrowserDrawsTheReport() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try Program.run(shortJob(output: run.path))
        try #require(train.status == 0, "\(train.errors)")
        let page = try drawn(run.path + "/report.html", profile: folder.path("profile"))
        #expect(page.contains("digits-min-recall"))
        #expect(page.contains("Yes, better."))
        #expect(page.components(separatedBy: "<svg").count > 4)
        #expect(page.components(separatedBy: "<canvas").count > 4)

        let comparison = folder.path("comparison.html")
        let compared = try Program.run("report", run.path, run.path, "--output", comparison)
        try #require(compared.status == 0, "\(compared.errors)")
        let drawn = try drawn(comparison, profile: folder.path("profile"))
        #expect(drawn.contains("2 runs compared") && drawn.contains("No run is ahead"))
        #expect(drawn.components(separatedBy: "<svg").count > 4 && !drawn.contains("NaN"))
    }

    @Test(.enabled(if: environment["SELMIX_TEST_CHROMIUM"] != nil, "needs Chromium: scripts/test --all"))
    func aBrowserDrawsTheDiagnosis() throws {
        let folder = try TemporaryFolder()
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        let diagnosis = try Program.run("diagnose", "gain", job, "--output", folder.path("diagnosis"))
        try #require(diagnosis.status == 0, "\(diagnosis.errors)")
        let page = try drawn(folder.path("diagnosis/gain-diagnosis.html"), profile: folder.path("profile"))
        #expect(page.components(separatedBy: "<circle").count == 1 + 100 + 1)
        #expect(page.contains("estimated gain</text>"))
    }

    /// A page as a browser has it after its scripts ran.
    private func drawn(_ page: String, profile: String) throws -> String {
        try output(
            of: "/usr/bin/env",
            [
                Self.environment["SELMIX_TEST_CHROMIUM"]!, "--headless=new", "--no-sandbox", "--disable-gpu",
                "--user-data-dir=\(profile)", "--virtual-time-budget=10000", "--dump-dom", "file://\(page)",
            ])
    }

    private func output(of program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }
}
