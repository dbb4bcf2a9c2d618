import Simulation
import Testing

/// A run with one worker on a slow link makes about the progress that it makes where the coordinator sums, in virtual time.
@Suite struct SlowLinkTests {
    @Test(arguments: [(2, 20_000), (4, 1000), (4, 20_000)])
    func oneSlowLinkDoesNotHoldUpAll(workers: Int, milliseconds: Int) throws {
        let delay = Duration.milliseconds(milliseconds)
        let steps = 150
        let good = try Simulation.duration(ofSteps: steps, workers: workers, pieces: 4, slowLink: .zero)
        let byWorkers = try Simulation.duration(ofSteps: steps, workers: workers, pieces: 4, slowLink: delay)
        let byCoordinator = try Simulation.duration(ofSteps: steps, workers: workers, pieces: 0, slowLink: delay)
        #expect(
            byWorkers < max(byCoordinator, good) * 3,
            "\(steps) steps take \(byWorkers) with groups, \(byCoordinator) without, \(good) on good links")
    }
}
