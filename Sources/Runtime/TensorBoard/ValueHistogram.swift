/// How shares, in 0...1, are spread over 21 buckets that have 0, 0.05, ..., 1 in their middle.
struct ValueHistogram: Equatable {
    var min: Double
    var max: Double
    var count: Double
    var sum: Double
    var sumOfSquares: Double
    /// Upper ends; the first bucket begins at ``min``. Buckets beyond the least and the largest value are left out.
    var limits: [Double]
    var counts: [Double]

    /// - Returns: nil for no values.
    init?(shares: [Double]) {
        guard let min = shares.min(), let max = shares.max() else { return nil }
        (self.min, self.max, count) = (min, max, Double(shares.count))
        sum = shares.reduce(0, +)
        sumOfSquares = shares.reduce(0) { $0 + $1 * $1 }
        func bucket(_ share: Double) -> Int { Swift.min(20, Swift.max(0, Int((share * 20).rounded()))) }
        let first = bucket(min)
        counts = [Double](repeating: 0, count: bucket(max) - first + 1)
        for share in shares { counts[bucket(share) - first] += 1 }
        limits = counts.indices.map { (Double(first + $0) + 0.5) / 20 }
    }
}
