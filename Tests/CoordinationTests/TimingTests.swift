import Common
import Testing

@testable import Coordination

@Suite struct TimingTests {
    /// The order that the failure contract rests on, for any setting.
    @Test func everyTimeoutIsInItsPlace() throws {
        for failure in [Duration.milliseconds(50), .milliseconds(333), .seconds(2), .seconds(600)] {
            let timing = try Timing(failureTimeout: failure, orphanTimeout: failure + .nanoseconds(1))
            #expect(timing.heartbeatInterval * 4 < timing.lease, "a lease survives four lost heartbeats")
            #expect(timing.heartbeatInterval < timing.helloInterval)
            #expect(timing.helloInterval < timing.lease)
            #expect(timing.lease < timing.orphanTimeout)
            for slowest in [Duration.zero, failure / 100, failure, failure * 50] {
                for times in [0, 1, 5, 1000] {
                    let patience = timing.patience(slowest: slowest, timesStuck: times)
                    #expect(timing.lease <= patience)
                    #expect(timing.repeatAfter(slowest: slowest, timesStuck: times) < patience)
                    #expect(timing.repeatAfter(slowest: slowest, timesStuck: times) >= slowest)
                }
            }
        }
    }

    @Test func patienceDoublesEachTimeWorkGetsStuck() throws {
        let timing = try Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(60))
        #expect(timing.patience(slowest: .zero, timesStuck: 0) == .seconds(2))
        #expect(timing.patience(slowest: .zero, timesStuck: 3) == .seconds(16))
        #expect(timing.patience(slowest: .seconds(1), timesStuck: 2) == .seconds(10))
    }

    @Test(arguments: [(0, 60), (-1, 60), (2, 2), (2, 1)])
    func settingsOutOfOrderAreRefused(failure: Int, orphan: Int) {
        #expect(throws: SelMixError.self) {
            try Timing(failureTimeout: .seconds(failure), orphanTimeout: .seconds(orphan))
        }
    }
}
