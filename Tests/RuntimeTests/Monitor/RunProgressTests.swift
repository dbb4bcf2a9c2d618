import Common
import Coordination
import SelMix
import Testing

@testable import Runtime

/// How far a run is, as it goes on after a restart of its coordinator.
@Suite struct RunProgressTests {
    private static func second(_ seconds: Double) -> Instant { Instant(sinceOrigin: .seconds(seconds)) }

    private static func take(_ step: Int, _ progress: inout RunProgress, at seconds: Double) {
        let result = StepResult(
            step: StepIndex(step), digest: Digest(rawValue: 1), loss: 0.5)
        progress.update(.step(result), at: second(seconds))
    }

    @Test func timeLeftIsOfThisStartsPace() throws {
        let job = try JobFileTests.parse("selmix: {rounds: 10, stepsPerRound: 100}")
        var progress = RunProgress(job: job, at: Self.second(0))
        progress.resume(from: 5, quarantined: [])
        #expect(progress.stepsDone == 500 && progress.round == 5 && !progress.hasBegun)
        let selection = Selection(round: RoundIndex(5), digest: Digest(rawValue: 1), converged: false)
        progress.update(.selected(selection), at: Self.second(10))
        #expect(progress.remaining(at: Self.second(10)) == nil)
        for step in 500..<510 { Self.take(step, &progress, at: 10 + Double(step - 499)) }
        // Ten steps took ten seconds; 490 are left.
        #expect(progress.remaining(at: Self.second(20)) == .seconds(490))
        #expect(progress.samplesPerSecond(at: Self.second(20)) == Double(job.batch))
    }
}
