import Common
import Coordination
import Testing

@testable import Runtime

/// What is told of a run does not grow with what happens in it.
@Suite struct RunMonitorTests {
    private static func monitor() throws -> (RunMonitor, RunProgress) {
        let run = try PreparedRun(
            JobFile.load(BundledJobTests.cluster.appendingPathComponent("digits-lt/min-recall.yaml").path))
        return (
            RunMonitor(run, runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), at: .origin),
            RunProgress(job: run.job, at: .origin)
        )
    }

    private static func problems(_ monitor: RunMonitor, _ progress: RunProgress, at now: Instant) -> [String] {
        monitor.publish({ [] }, phase: .working(.train(StepIndex(0))), progress: progress, at: now)
        return monitor.board.newest.run.problems
    }

    /// Anybody can join under a new name every time, and die.
    @Test func onlyTheLastLossesAreTold() throws {
        let (monitor, progress) = try Self.monitor()
        for number in 0..<5000 {
            let life = Incarnation(rawValue: UInt64(number))
            monitor.happened(.workerLost("w\(number)", life, reason: "silent"), at: .origin + .milliseconds(number))
        }
        let told = Self.problems(monitor, progress, at: .origin + .seconds(10))
        #expect(told.count == 32 && told.last == "w4999 was lost: silent")
        #expect(Self.problems(monitor, progress, at: .origin + .seconds(400)).isEmpty)
    }

    @Test func aWorkerThatIsLostAgainIsToldOnce() throws {
        let (monitor, progress) = try Self.monitor()
        for number in 0..<3 {
            monitor.happened(
                .workerLost("w", Incarnation(rawValue: UInt64(number)), reason: "\(number)"), at: .origin)
        }
        #expect(Self.problems(monitor, progress, at: .origin + .seconds(1)) == ["w was lost: 2"])
    }
}
