import Common
import Coordination
import SelMix

/// What drawing class pairs costs: the first time, when a row's table may have to be made, and from then on.
public struct DrawsBench: Sendable, Encodable {
    public var classes: Int
    public var draws: Int
    /// Of one pair, when all tables are there.
    public var nanosecondsPerPair: Double
    /// Of the sampler and of one pair of every row.
    public var secondsForAllTables: Double

    public init(classes: Int, draws: Int) throws {
        (self.classes, self.draws) = (classes, draws)
        let gain = BenchData.matrix(rows: classes, columns: classes, scale: 1, lane: 0)
        let distribution = PairDistribution.selective(gain: gain, temperature: .relative(0.5))
        let start = SystemClock.now
        var sampler = PairSampler(distribution, seed: 1)
        // Draws until every row has come up, which takes K log K of them.
        var seen = Set<Int>()
        var slot = 0
        while seen.count < classes {
            seen.insert(sampler.pair(step: StepIndex(0), slot: slot).label)
            slot += 1
        }
        secondsForAllTables = (SystemClock.now - start).seconds
        var sum = 0
        let seconds = BenchData.leastSeconds(repeats: 3) {
            for slot in 0..<draws { sum &+= sampler.pair(step: StepIndex(1), slot: slot).partner }
        }
        precondition(sum >= 0)
        nanosecondsPerPair = seconds / Double(draws) * 1e9
    }
}
