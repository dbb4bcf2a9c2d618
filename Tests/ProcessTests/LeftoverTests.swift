import Foundation
import Testing

/// What killed processes leave in the system's directories, and what a data file that shrinks leaves of a run.
@Suite struct LeftoverTests {
    /// Runs a line of bash that sets the environment and then becomes the program.
    private static func start(_ environment: String, _ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            ["-c", "\(environment) exec \"$@\"", "bash", Program.path] + arguments, program: "/bin/bash")
    }

    private static func socketDirectory(_ run: RunFolder) throws -> String {
        let control = try #require(try run.json("run.json")["control"] as? String)
        return URL(fileURLWithPath: String(control.dropFirst("ipc://".count))).deletingLastPathComponent().path
    }

    @Test func aKilledRunLeavesNoSockets() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 10") { run.lastStep >= 10 }
        let directory = try Self.socketDirectory(run)
        #expect(FileManager.default.fileExists(atPath: directory))
        train.send(SIGKILL)
        _ = train.waitForExit()
        try eventually("the end of \(directory)") { !FileManager.default.fileExists(atPath: directory) }
    }

    /// Killed with all of its workers, a run can leave its directory to nobody but the next run.
    @Test func theNextRunTakesAwayWhatIsLeft() throws {
        let folder = try TemporaryFolder()
        let place = "/tmp/smx-\(UInt16.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let run = RunFolder(path: folder.path("run"))
        let train = try Self.start("TMPDIR=\(place)", endlessJob(output: run.path, workers: 1))
        try eventually("step 10") { run.lastStep >= 10 }
        #expect(try Self.socketDirectory(run).hasPrefix(place + "/selmix-"))
        train.send(SIGKILL)
        _ = train.waitForExit()
        let left = place + "/selmix-abcdef"
        try FileManager.default.createDirectory(
            atPath: left, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Data().write(to: URL(fileURLWithPath: left + "/.lock"))
        let next = try Self.start("TMPDIR=\(place)", shortJob(output: folder.path("next")))
        #expect(next.waitForExit() == 0, "\(next.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place).isEmpty)
    }

    @Test func homeIsHomeInAJobFile() throws {
        let folder = try TemporaryFolder()
        let home = folder.path("home")
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        let train = try Self.start("cd \(folder.url.path); HOME=\(home)", shortJob(output: "~/mine"))
        #expect(train.waitForExit() == 0, "\(train.errors)")
        #expect(RunFolder(path: home + "/mine").exists("head.safetensors"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["home"])
    }

    /// A data file that is cut while it is mapped: its name is said, and with the file back the run goes on to the same bytes.
    @Test func aDataFileThatShrinksIsNamed() throws {
        let folder = try TemporaryFolder()
        for name in ["digits.safetensors", "head.safetensors", "min-recall.yaml"] {
            try FileManager.default.copyItem(
                atPath: Program.digits.appendingPathComponent(name).path, toPath: folder.path(name))
        }
        let (data, undisturbed) = (folder.path("digits.safetensors"), RunFolder(path: folder.path("undisturbed")))
        let run = RunFolder(path: folder.path("run"))
        func arguments(_ run: RunFolder) -> [String] {
            ["train", folder.path("min-recall.yaml"), "--workers", "2"] + RestartTests.settings(output: run.path)
        }
        let plain = try Program.run(arguments(undisturbed))
        try #require(plain.status == 0, "\(plain.errors)")

        let train = try RunningProgram(arguments(run))
        try eventually("step 300") { run.lastStep >= 300 }
        #expect(truncate(data, 100_000) == 0)
        #expect(train.waitForExit() == 4, "\(train.errors)")
        #expect(train.errors.contains("`\(data)` lost part of its content while it was in use"), "\(train.errors)")
        #expect(!train.errors.contains("signal"), "\(train.errors)")
        // Every step that counted was computed from data that were there.
        #expect(run.stepDigests == Array(undisturbed.stepDigests.prefix(run.stepDigests.count)))

        try FileManager.default.removeItem(atPath: data)
        try FileManager.default.copyItem(
            atPath: Program.digits.appendingPathComponent("digits.safetensors").path, toPath: data)
        let again = try Program.run(arguments(run) + ["--resume"])
        #expect(again.status == 0, "\(again.errors)")
        #expect(run.stepDigests == undisturbed.stepDigests)
    }
}
