import Common
import Coordination
import Glibc
import SelMix

/// How long a round's selection takes: the gain of all class pairs, beside what plain matrix products reach on this
/// machine, and what follows from it.
public struct GainBench: Sendable, Encodable {
    public var classes: Int
    public var dimension: Int
    /// Threads that share the blocks of the gain.
    public var threads: Int
    /// Of the gain.
    public var seconds: Double
    /// (8 K^3 + 4 K^2 d) / seconds / 1e9. Where the objective's gradient has few entries, some of that is saved.
    public var gflops: Double
    /// Of a plain float32 product on one thread, with the inner size K and at most 1024 rows and columns.
    public var peakGflops: Double
    /// Of the distribution of pairs from the gain.
    public var distributionSeconds: Double
    /// Of one round's draws, with the tables that they need.
    public var drawSeconds: Double
    public var draws: Int
    /// Of this process until then: the inputs, the gain, the distribution and the tables.
    public var peakMemoryMB: Double

    public init(classes: Int, dimension: Int, threads: Int) throws {
        try InstructionSet.use(InstructionSet.best)
        (self.classes, self.dimension, self.threads) = (classes, dimension, threads)
        let input = GainInput(
            classMeans: BenchData.matrix(rows: classes, columns: dimension, scale: 1, lane: 0),
            weight: BenchData.matrix(rows: classes, columns: dimension, scale: 0.05, lane: 1),
            bias: [Float](repeating: 0, count: classes), gradient: Self.gradient(classes: classes), mixRatioMean: 0.8)
        var gain: Matrix<Float>?
        seconds = try BenchData.leastSeconds {
            gain = nil
            gain = try GainEstimator().gain(input, loop: .threads(threads))
        }
        let (k, n) = (Double(classes), Double(dimension))
        gflops = (8 * k * k * k + 4 * k * k * n) / seconds / 1e9

        var start = SystemClock.now
        let distribution = PairDistribution.selective(gain: gain!, temperature: .relative(0.5))
        distributionSeconds = (SystemClock.now - start).seconds
        gain = nil
        let (steps, batch) = (50, 1024)
        draws = steps * batch
        start = SystemClock.now
        var sampler = PairSampler(distribution, seed: 1)
        for step in 0..<steps {
            for slot in 0..<batch { _ = sampler.pair(step: StepIndex(step), slot: slot) }
        }
        drawSeconds = (SystemClock.now - start).seconds
        peakMemoryMB = Self.peakMemoryMB
        peakGflops = try BenchData.productGflops(
            .init(m: min(classes, 1024), n: min(classes, 1024), k: classes), type: .float32)
    }

    /// D of a made-up validation split of 20 samples a class, half of which are recognised.
    private static func gradient(classes: Int) -> SparseMatrix {
        let philox = Philox(seed: 1)
        var counts = ConfusionCounts(classes: classes)
        for label in 0..<classes {
            for sample in 0..<20 {
                let block = philox.block(.synthesis, index: label, slot: sample, lane: 2)
                counts.add(
                    true: label, predicted: block.low.unitInterval < 0.5 ? label : block.high.scaled(to: classes))
            }
        }
        let statistics = ConfusionStatistics(smoothing: counts, by: 0.5)
        return HMean().gradientTerms(statistics, multipliers: []).gradient(statistics)
    }

    /// The most memory that this process has had in use so far, in 10^6 bytes.
    private static var peakMemoryMB: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) * 1024 / 1e6
    }
}
