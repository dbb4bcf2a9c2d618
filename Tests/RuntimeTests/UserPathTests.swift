import Common
import Foundation
import Testing

@testable import Runtime

/// Paths that no shell has looked at.
@Suite struct UserPathTests {
    private static func expanded(_ path: String) throws -> String {
        try UserPath.expanded(path, environment: ["HOME": "/home/a"])
    }

    @Test func homeIsHome() throws {
        #expect(try Self.expanded("~/run") == "/home/a/run")
        #expect(try Self.expanded("~") == "/home/a")
        for path in ["run", "/x/~/y", "./~", "./~x", "a~", "a$", "$", "5$/x", "a\"b"] {
            #expect(try Self.expanded(path) == path)
        }
    }

    @Test(arguments: [
        "~bob/run", "~$doc", "$HOME/run", "/data/${USER}/x", "\u{201C}run\u{201D}", "run\u{201D}", "\u{2018}run",
    ])
    func whatIsMeantForAShellIsRefused(path: String) throws {
        let error = #expect(throws: SelMixError.self) { try Self.expanded(path) }
        #expect(error?.code == .invalidInput && error?.hint != nil)
        let inJob = #expect(throws: SelMixError.self) { try JobFileTests.parse(overrides: ["output=\(path)"]) }
        #expect(inJob?.message.contains("output") == true, "\(inJob?.message ?? "")")
    }

    @Test func everyPathOfAJobFile() throws {
        let home = NSHomeDirectory()
        let job = try JobFileTests.parse(overrides: [
            "output=~/run", "data.train.features=~/a.npy", "head.weight=~/h.safetensors#weight",
        ])
        #expect(job.output == home + "/run" && job.data.train.features == home + "/a.npy")
        #expect(job.head.weight == home + "/h.safetensors#weight")
    }

    @Test func argumentsThatAShellLeaves() throws {
        let home = NSHomeDirectory()
        let arguments = ["--output=~/x", "~/job.yaml", "--set", "output=~/y", "--set=output=~/y", "-o=~/z", "a~/b"]
        #expect(
            try UserPath.expanded(arguments: arguments)
                == ["--output=\(home)/x", "\(home)/job.yaml"] + arguments.dropFirst(2))
    }
}
