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
