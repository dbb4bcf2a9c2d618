import Simulation
import Testing

@Suite struct SeedTests {
    /// More of them are run by scripts/simulate.
    @Test func nothingForbiddenHappens() {
        var statistics = Statistics()
        for seed in UInt64(0)..<400 {
            let report = Simulation.run(seed: seed)
            #expect(report.violation == nil, "seed \(seed); scripts/simulate --seed \(seed) --trace tells the story")
            statistics.add(report.statistics)
        }
        // These seeds would be worth little if nothing went wrong in them.
        for trouble in Trouble.allCases where trouble != .checkpointTorn {
            #expect(statistics.troubles[trouble] != nil, "no \(trouble.rawValue)")
        }
        #expect(statistics.ends["finished"] ?? 0 > 350)
    }

    @Test(arguments: [3, 11, 42] as [UInt64])
    func aSeedStandsForOneStory(seed: UInt64) {
        func story() -> (lines: [String], fingerprint: UInt64) {
            var lines: [String] = []
            let report = Simulation.run(seed: seed, detail: .everything) { lines.append($0) }
            return (lines, report.fingerprint)
        }
        let (first, second) = (story(), story())
        #expect(first.lines == second.lines && first.lines.count > 30)
        #expect(first.fingerprint == second.fingerprint)
        // Telling it does not change it.
        #expect(Simulation.run(seed: seed).fingerprint == first.fingerprint)
    }
}
