/// How class pairs are chosen. SelMix is one; the others are what it is compared with.
public enum Policy: String, Sendable, Codable, CaseIterable {
    /// By the estimated gain of each pair.
    case selmix
    /// Every pair alike.
    case uniform
    /// No mixing, every class alike.
    case classBalanced = "class-balanced"
    /// No mixing, classes by their training frequency.
    case instance
    /// No mixing, classes as SelMix draws the label class: the row sums of its distribution.
    case resampling

    /// - Parameters:
    ///   - floor: the part of SelMix's mass that is spread evenly over all pairs.
    ///   - trainCounts: training samples per class, [K].
    public func distribution(
        gain: Matrix<Float>, temperature: Temperature, floor: Double, trainCounts: [Int]
    ) -> PairDistribution {
        switch self {
        case .selmix: .selective(gain: gain, temperature: temperature, floor: floor)
        case .uniform: .uniform(classes: gain.rows)
        case .classBalanced: Self.diagonal([Double](repeating: 1, count: gain.rows))
        case .instance: Self.diagonal(trainCounts.map { Double($0) })
        case .resampling:
            Self.resampling(.selective(gain: gain, temperature: temperature, floor: floor))
        }
    }

    /// The row sums of a distribution on the diagonal.
    private static func resampling(_ pairs: PairDistribution) -> PairDistribution {
        let sums = (0..<pairs.classes).map { k in
            pairs.probabilities[row: k].reduce(0.0) { $0 + Double($1) }
        }
        var made = diagonal(sums)
        made.positivePairs = pairs.positivePairs
        return made
    }

    private static func diagonal(_ weights: [Double]) -> PairDistribution {
        let sum = weights.reduce(0, +)
        var probabilities = Matrix<Float>(rows: weights.count, columns: weights.count, repeating: 0)
        for (k, weight) in weights.enumerated() { probabilities[k, k] = Float(weight / sum) }
        return PairDistribution(probabilities: probabilities)
    }
}
