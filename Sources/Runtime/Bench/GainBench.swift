import Common
import Coordination
import SelMix

/// How long the gain of all class pairs takes, beside what plain matrix products of the same size reach on this machine.
public struct GainBench: Sendable, Encodable {
    public var classes: Int
    public var dimension: Int
    public var seconds: Double
    /// (8 K^3 + 4 K^2 d) / seconds / 1e9.
    public var gflops: Double
    /// Of a [K, K] x [K, K] product in float32 on one thread.
    public var peakGflops: Double

    public init(classes: Int, dimension: Int) throws {
        try InstructionSet.use(InstructionSet.best)
        (self.classes, self.dimension) = (classes, dimension)
        let z = BenchData.matrix(rows: classes, columns: dimension, scale: 1, lane: 0)
        let w = BenchData.matrix(rows: classes, columns: dimension, scale: 0.05, lane: 1)
        let d = BenchData.matrix(rows: classes, columns: classes, scale: 0.01, lane: 2)
        let input = GainInput(
            classMeans: z, weight: w, bias: [Float](repeating: 0, count: classes), gradient: d.map(Double.init),
            mixRatioMean: 0.8)
        let estimator = GainEstimator()
        seconds = try BenchData.leastSeconds { _ = try estimator.gain(input) }
        let (k, n) = (Double(classes), Double(dimension))
        gflops = (8 * k * k * k + 4 * k * k * n) / seconds / 1e9
        let product = try MatrixProduct(.init(m: classes, n: classes, k: classes))
        var result = [Float](repeating: 0, count: classes * classes)
        let productSeconds = try BenchData.leastSeconds { try product(d.values, d.values, into: &result) }
        peakGflops = 2 * k * k * k / productSeconds / 1e9
    }
}
