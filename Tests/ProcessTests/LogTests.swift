import Foundation
import Testing

/// What people and machines read behind a run: its log where nobody watches, and which program wrote it.
@Suite struct LogTests {
    @Test func everyLineOfALogInTextHasTimeAndLevel() throws {
        let folder = try TemporaryFolder()
        let result = try Program.run(
            "train", Program.digits.appendingPathComponent("min-recall.yaml").path, "--workers", "2", "--set",
            "output=\(folder.path("run"))", "--set", "selmix.rounds=2")
        try #require(result.status == 0, "\(result.errors)")
        let lines = result.errors.split(separator: "\n")
        #expect(lines.contains { $0.contains(" info selmix: round 2/2") }, "\(result.errors)")
        for line in lines {
            #expect(line.contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|notice) selmix: /#), "\(line)")
        }
    }

    @Test func theVersionSaysWhatTheProgramWasBuiltFrom() throws {
        let result = try Program.run("--version")
        #expect(result.output.contains(#/^selmix \d+\.\d+\.\d+ \(.+\)\n$/#), "\(result.output)")
    }
}
