import Simulation
import Testing

/// The checkers find deliberate defects, or they would not find real ones.
@Suite struct CanaryTests {
    @Test(arguments: Canary.allCases)
    func isFound(canary: Canary) {
        let found = (UInt64(0)..<2000).first { Simulation.run(seed: $0, canary: canary).violation != nil }
        #expect(found != nil, "\(canary.rawValue) goes unnoticed")
    }
}
