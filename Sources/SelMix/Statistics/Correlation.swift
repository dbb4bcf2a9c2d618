/// How well one list of figures follows another, from -1 to 1. Nil where one of them is constant, or too short to tell.
public enum Correlation {
    /// Pearson's correlation: 1 when the one is a rising straight line of the other.
    public static func pearson(_ a: [Double], _ b: [Double]) -> Double? {
        precondition(a.count == b.count, "\(a.count) figures against \(b.count)")
        guard a.count >= 2 else { return nil }
        let (meanA, meanB) = (Means.arithmetic(a), Means.arithmetic(b))
        var (products, squaresA, squaresB) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            products += (x - meanA) * (y - meanB)
            squaresA += (x - meanA) * (x - meanA)
            squaresB += (y - meanB) * (y - meanB)
        }
        guard squaresA > 0, squaresB > 0 else { return nil }
        return products / (squaresA.squareRoot() * squaresB.squareRoot())
    }

    /// Spearman's rank correlation: 1 when both order their entries alike, whatever the distances.
    public static func spearman(_ a: [Double], _ b: [Double]) -> Double? { pearson(ranks(a), ranks(b)) }

    /// Ranks from 1, the smallest value first; equal values share the mean of their ranks.
    public static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
            // Positions first + 1 ... end.
            for position in first..<end { ranks[order[position]] = Double(first + 1 + end) / 2 }
            first = end
        }
        return ranks
    }
}
