import Common
import SelMix

/// The class pairs of a round's steps. They are drawn a step ahead of where they are needed, as all workers wait for them.
struct PairSchedule {
    private var sampler: PairSampler
    private let batch: Int
    private var drawn: [StepIndex: [ClassPair]] = [:]

    /// - Parameter batch: B.
    init(_ distribution: PairDistribution, seed: UInt64, batch: Int) {
        sampler = PairSampler(distribution, seed: seed)
        self.batch = batch
    }

    /// The pairs of all slots of a step; they are the same whenever they are drawn.
    mutating func pairs(of step: StepIndex) -> [ClassPair] {
        if let known = drawn[step] { return known }
        let pairs = (0..<batch).map { sampler.pair(step: step, slot: $0) }
        drawn = drawn.filter { $0.key.rawValue >= step.rawValue - 2 }
        drawn[step] = pairs
        return pairs
    }
}
