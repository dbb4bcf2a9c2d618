import Foundation
import Testing

/// Where the system gives no more threads, that is an error that says so; nothing waits for one for ever.
@Suite struct ThreadTests {
    /// Root may have as many as it likes, so another user is needed.
    @Test(.enabled(if: geteuid() == 0), arguments: [1, 3, 8, 16, 30])
    func tooFewThreadsAreAnError(processes: Int) throws {
        let folder = try TemporaryFolder()
        // Where that user may write, read and run the program.
        for name in ["program", "data"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: Program.path, toPath: folder.path("program/selmix"))
        for file in try FileManager.default.contentsOfDirectory(atPath: Program.digits.path) {
            try FileManager.default.copyItem(
                atPath: Program.digits.appendingPathComponent(file).path, toPath: folder.path("data/\(file)"))
        }
        try #require(system("chmod", "-R", "a+rwX", folder.url.path))
        // Users that nothing else runs as, one for each case.
        let user = 61_000 + processes
        let running = try RunningProgram(
            [
                "-c",
                "cd \(folder.url.path); ulimit -u \(processes); exec setpriv --reuid=\(user) --regid=\(user) --clear-groups "
                    + "program/selmix train data/min-recall.yaml --workers 2 --quiet --http off --set output=\(folder.path("run")) "
                    + "--set selmix.rounds=2",
            ], program: "/bin/bash")
        #expect(running.waitForExit() == 1, "\(running.errors)")
        #expect(running.errors.contains("no more threads") && running.errors.contains("ulimit -u"), "\(running.errors)")
    }
}
