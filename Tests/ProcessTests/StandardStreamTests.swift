import Foundation
import Testing

/// Standard error that nobody reads and standard output that cannot be written: the first must cost nothing, the second must
/// not pass for success. A shell makes the descriptors what they are to be.
@Suite struct StandardStreamTests {
    /// Runs a line of bash in which `$S` is the program and `"$@"` are the arguments.
    ///
    /// - Returns: the line's status.
    static func shell(_ line: String, _ arguments: [String]) throws -> Int32 {
        let shell = try RunningProgram(["-c", "S=\(Program.path); \(line)", "bash"] + arguments, program: "/bin/bash")
        return shell.waitForExit()
    }

    /// Closed, full, a pipe whose reader has left, a pipe whose reader has stopped reading.
    static let lostErrors = [
        "\"$S\" \"$@\" 2>&-", "\"$S\" \"$@\" 2>/dev/full", "\"$S\" \"$@\" 2> >(head -c 100 >/dev/null)",
        "mkfifo \"$P\"; exec 3<>\"$P\"; \"$S\" \"$@\" 2>\"$P\"",
    ]

    @Test(arguments: lostErrors)
    func aRunGoesOnToItsResults(line: String) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        // Debugging fills any pipe within the first rounds.
        let status = try Self.shell(
            "export SELMIX_LOG=debug P=\(folder.path("pipe")); \(line)",
            shortJob(output: run.path) + ["--set", "selmix.rounds=60"])
        #expect(status == 0)
        #expect(run.exists("head.safetensors") && run.exists("report.html"))
    }

    /// What ends with an error ends with that error's status, whether or not somebody can read it.
    @Test(arguments: lostErrors)
    func theStatusOfAnErrorStays(line: String) throws {
        let folder = try TemporaryFolder()
        let names = "export P=\(folder.path("pipe")); "
        #expect(try Self.shell(names + line, ["frobnicate"]) == 2)
        #expect(try Self.shell("rm -f \(folder.path("pipe")); " + names + line, ["train", "nowhere.yaml"]) == 3)
    }

    /// Nothing of what is said may get into a file that was given a standard descriptor's number.
    @Test func closedDescriptorsAreNotGivenToFiles() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        #expect(try Self.shell("\"$S\" \"$@\" 0<&- 1>&- 2>&-", shortJob(output: run.path)) == 0)
        let lines = try String(contentsOfFile: run.path + "/events.jsonl", encoding: .utf8).split(separator: "\n")
        #expect(lines.count > 100 && lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
        #expect(try String(contentsOfFile: run.path + "/run.json", encoding: .utf8).hasPrefix("{"))
    }

    @Test(arguments: [
        ["evaluate", "JOB"], ["evaluate", "JOB", "--json"], ["data", "describe", "JOB"], ["explain", "RUN"],
        ["checkpoint", "list", "RUN"], ["diff", "RUN", "RUN"], ["--help"], ["--version"], ["help", "train"],
        ["bench", "kernels", "--json"],
    ])
    func aResultThatCouldNotBeWrittenIsAnError(arguments: [String]) throws {
        let run = try Self.finished.get()
        let folder = try TemporaryFolder()
        let job = Program.digits.appendingPathComponent("min-recall.yaml").path
        let words = arguments.map { $0 == "JOB" ? job : $0 == "RUN" ? run.path : $0 }
        #expect(try Self.shell("\"$S\" \"$@\" >/dev/full 2>\(folder.path("said"))", words) == 1)
        let said = try String(contentsOfFile: folder.path("said"), encoding: .utf8)
        #expect(said.contains("error: standard output: No space left on device\nhint: "), "\(said)")
        // A reader that had enough is another matter.
        #expect(try Self.shell("\"$S\" \"$@\" 2>/dev/null | true; exit ${PIPESTATUS[0]}", words) % 141 == 0)
    }

    /// The head and the report are there; only of what was asked for on standard output is that not enough.
    @Test func aRunIsJudgedByItsFiles() throws {
        let folder = try TemporaryFolder()
        let (first, second) = (RunFolder(path: folder.path("first")), RunFolder(path: folder.path("second")))
        #expect(try Self.shell("\"$S\" \"$@\" >/dev/full", shortJob(output: first.path)) == 0)
        #expect(first.exists("head.safetensors"))
        #expect(try Self.shell("\"$S\" \"$@\" --json >/dev/full", shortJob(output: second.path)) == 1)
        #expect(second.exists("head.safetensors"))
    }

    /// A short run that several tests look at.
    private static let finished = Result {
        let run = RunFolder(path: try #require(folder).path("run"))
        let result = try Program.run(shortJob(output: run.path))
        try #require(result.status == 0, "\(result.errors)")
        return run
    }
    private static nonisolated(unsafe) let folder = try? TemporaryFolder()
}
