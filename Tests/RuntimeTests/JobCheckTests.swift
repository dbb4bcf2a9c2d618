import Common
import Coordination
import Foundation
import Testing

@testable import Runtime

/// A job that comes as JSON, from a coordinator or from what a run left, has the ranges of a job file.
@Suite struct JobCheckTests {
    private static func job(_ change: (inout Job) -> Void) throws -> Data {
        var job = try JobFile.load(BundledJobTests.cluster.appendingPathComponent("digits-lt/min-recall.yaml").path)
        change(&job)
        return try JSONEncoder().encode(job)
    }

    @Test func aUsualJobIsTaken() throws { _ = try Job(checking: Self.job { _ in }) }

    private static let wrong: [(String, @Sendable (inout Job) -> Void)] = [
        ("batch", { $0.batch = 0 }), ("batch", { $0.batch = .max }), ("batch", { $0.batch = 63 }),
        ("cluster.shards", { $0.cluster.shards = 0 }), ("cluster.shards", { $0.cluster.shards = -8 }),
        ("selmix.rounds", { $0.selmix.rounds = .max }), ("selmix.stepsPerRound", { $0.selmix.stepsPerRound = 0 }),
        ("cluster.failureTimeout", { $0.cluster.failureTimeout = 1e300 }),
        ("cluster.orphanTimeout", { $0.cluster.orphanTimeout = -1 }), ("cluster.audit", { $0.cluster.audit = 2 }),
        ("checkpoints.keep", { $0.checkpoints.keep = -1 }), ("selmix.mixUntil", { $0.selmix.mixUntil = 1e300 }),
        ("cluster.audit", { ($0.cluster.audit, $0.cluster.reduction) = (0.5, .workers) }),
    ]

    @Test(arguments: wrong.indices) func anotherIsRefused(index: Int) throws {
        let (key, change) = Self.wrong[index]
        let error = #expect(throws: SelMixError.self) { try Job(checking: Self.job(change)) }
        #expect(error?.message.contains("the job's `\(key)` is ") == true, "\(String(describing: error))")
    }

    /// The next start of a run has the next epoch, so there must be one.
    @Test(arguments: ["18446744073709551615", "281474976710657", "-1", "1e300"]) func epochsHaveARange(text: String) {
        #expect(throws: (any Error).self) { try JSONDecoder().decode(Epoch.self, from: Data(text.utf8)) }
    }

    @Test func stepsAndRoundsHaveARange() throws {
        for text in ["-1", "9223372036854775807", "281474976710656"] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(StepIndex.self, from: Data(text.utf8)) }
        }
        #expect(try JSONDecoder().decode(StepIndex.self, from: Data("7".utf8)) == StepIndex(7))
        #expect(try String(decoding: JSONEncoder().encode(StepIndex(7)), as: UTF8.self) == "7")
        #expect(try JSONDecoder().decode(Epoch.self, from: Data("3".utf8)) == Epoch(rawValue: 3))
    }
}
