import CKernels

/// P [K, K]: the probability of mixing features of class i (whose label is kept) with features of class j.
public struct PairDistribution: Sendable {
    /// Entry (i, j), row-major. Sums to 1 up to float32 rounding.
    public let probabilities: Matrix<Float>
    /// How many pairs had a positive gain; nil for a distribution that no gain made.
    public internal(set) var positivePairs: Int?

    public var classes: Int { probabilities.rows }

    public init(probabilities: Matrix<Float>, positivePairs: Int? = nil) {
        self.probabilities = probabilities
        self.positivePairs = positivePairs
    }

    /// The part of the mass that is spread evenly over all pairs, unless a job says otherwise.
    public static let defaultFloor = 1e-6

    /// SelMix: P = (1 - e) Q + e / K^2, with Q = softmax(G / T) over the pairs with G > 0. Uniform when there is none.
    public static func selective(
        gain: Matrix<Float>, temperature: Temperature, floor: Double = defaultFloor
    ) -> PairDistribution {
        var weights = PositiveWeights(gain, temperature)
        guard weights.positive > 0 else { return uniform(classes: gain.rows, positivePairs: 0) }
        smx_scale_and_add(
            &weights.values, (1 - floor) / weights.sum, floor / Double(gain.values.count), gain.values.count)
        return PairDistribution(
            probabilities: Matrix(rows: gain.rows, columns: gain.columns, values: weights.values),
            positivePairs: weights.positive)
    }

    /// What the published code adds to every entry.
    public static func publishedFloor(objective: String) -> Double { objective == "mean-recall" ? 1e-10 : 1e-8 }

    /// As the published code makes it: softmax over all pairs, zero where G <= 0, plus `floor` an entry, normalised.
    public static func published(gain: Matrix<Float>, temperature: Double, floor: Double) -> PairDistribution {
        var weights = PositiveWeights(gain, .absolute(temperature))
        // The softmax's sum runs over all entries, relative to the same largest gain.
        var all = [Float](repeating: 0, count: gain.values.count)
        smx_exp_scaled(gain.values, weights.largest, Float(1 / temperature), &all, all.count)
        let sum = all.reduce(0.0) { $0 + Double($1) }
        let total = weights.values.reduce(0.0) { $0 + (Double($1) / sum + floor) }
        for i in weights.values.indices { weights.values[i] = Float((Double(weights.values[i]) / sum + floor) / total) }
        return PairDistribution(
            probabilities: Matrix(rows: gain.rows, columns: gain.columns, values: weights.values),
            positivePairs: weights.positive)
    }

    /// With 1/K^3 added to every entry and normalised, which is how the authors' sampler draws from a distribution.
    public func withSamplerFloor() -> PairDistribution {
        let floor = 1 / Double(classes * classes * classes)
        var values = probabilities.values
        let total = values.reduce(0.0) { $0 + Double($1) } + floor * Double(values.count)
        smx_scale_and_add(&values, 1 / total, floor / total, values.count)
        return PairDistribution(
            probabilities: Matrix(rows: classes, columns: classes, values: values), positivePairs: positivePairs)
    }

    /// Every pair alike: plain mixup between classes.
    public static func uniform(classes: Int, positivePairs: Int? = nil) -> PairDistribution {
        let each = Float(1 / Double(classes * classes))
        return PairDistribution(
            probabilities: Matrix(rows: classes, columns: classes, repeating: each), positivePairs: positivePairs)
    }

    /// exp((G - max) / T) where G > 0, else 0.
    private struct PositiveWeights {
        var values: [Float]
        let largest: Float
        /// How many entries are positive.
        let positive: Int
        let sum: Double

        init(_ gain: Matrix<Float>, _ temperature: Temperature) {
            let count = gain.values.count
            largest = smx_max(gain.values, count)
            values = [Float](repeating: 0, count: count)
            var sum = 0.0
            positive =
                largest > 0
                ? smx_positive_exp(
                    gain.values, largest, Float(1 / temperature.value(largestGain: Double(largest))), &values, count,
                    &sum) : 0
            self.sum = sum
        }
    }
}
