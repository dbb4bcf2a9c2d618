import Foundation
import Testing

/// Plays the files in Scenarios/. With SELMIX_REWRITE=1 in the environment they are written anew with what happens now, to
/// be read and committed.
@Suite struct ScenarioTests {
    @Test(arguments: ScenarioFile.all) func leadsToWhatTheFileSays(name: String) throws {
        let text = try ScenarioFile.read(name)
        let played = try ScenarioFile(text).played().text
        if ProcessInfo.processInfo.environment["SELMIX_REWRITE"] == "1" {
            try played.write(to: ScenarioFile.folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
        } else {
            #expect(played == text, "run with SELMIX_REWRITE=1 and look at the difference")
        }
    }

    @Test func thereAreScenarios() {
        #expect(ScenarioFile.all.count >= 10)
    }
}
