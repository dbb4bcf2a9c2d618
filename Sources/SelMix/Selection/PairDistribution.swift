import CKernels

/// P [K, K]: the probability of mixing features of class i (whose label is kept) with features of class j.
public struct PairDistribution: Sendable {
    /// Entry (i, j), row-major. Sums to 1 up to float32 rounding.
    public let probabilities: Matrix<Float>
    /// How many pairs had a positive gain; nil for a distribution that no gain made.
    public let positivePairs: Int?

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
        let (weights, positive) = positiveSoftmax(gain, temperature)
        let count = Double(gain.values.count)
        guard positive > 0 else { return uniform(classes: gain.rows, positivePairs: 0) }
        let sum = weights.reduce(0.0) { $0 + Double($1) }
        let factor = (1 - floor) / sum
        let rest = floor / count
        return PairDistribution(
            probabilities: Matrix(
                rows: gain.rows, columns: gain.columns, values: weights.map { Float(Double($0) * factor + rest) }),
            positivePairs: positive)
    }

    /// What the published code adds to every entry.
    public static func publishedFloor(objective: String) -> Double { objective == "mean-recall" ? 1e-10 : 1e-8 }

    /// As the published code makes it: softmax over all pairs, zero where G <= 0, plus `floor` an entry, normalised.
    public static func published(gain: Matrix<Float>, temperature: Double, floor: Double) -> PairDistribution {
        let (weights, positive) = positiveSoftmax(gain, .absolute(temperature))
        // The softmax's sum runs over all entries, relative to the same largest gain.
        let largest = gain.values.max() ?? 0
        var all = [Float](repeating: 0, count: gain.values.count)
        smx_exp_scaled(gain.values, largest, Float(1 / temperature), &all, all.count)
        let sum = all.reduce(0.0) { $0 + Double($1) }
        let floored = weights.map { Double($0) / sum + floor }
        let total = floored.reduce(0, +)
        return PairDistribution(
            probabilities: Matrix(rows: gain.rows, columns: gain.columns, values: floored.map { Float($0 / total) }),
            positivePairs: positive)
    }

    /// Every pair alike: plain mixup between classes.
    public static func uniform(classes: Int, positivePairs: Int? = nil) -> PairDistribution {
        let each = Float(1 / Double(classes * classes))
        return PairDistribution(
            probabilities: Matrix(rows: classes, columns: classes, repeating: each), positivePairs: positivePairs)
    }

    /// exp((G - max) / T) where G > 0, else 0; and how many entries are positive.
    private static func positiveSoftmax(
        _ gain: Matrix<Float>, _ temperature: Temperature
    ) -> (weights: [Float], positive: Int) {
        let largest = gain.values.max() ?? 0
        guard largest > 0 else { return ([Float](repeating: 0, count: gain.values.count), 0) }
        let scale = Float(1 / temperature.value(largestGain: Double(largest)))
        var weights = [Float](repeating: 0, count: gain.values.count)
        smx_exp_scaled(gain.values, largest, scale, &weights, weights.count)
        var positive = 0
        for i in weights.indices {
            if gain.values[i] > 0 { positive += 1 } else { weights[i] = 0 }
        }
        return (weights, positive)
    }
}
