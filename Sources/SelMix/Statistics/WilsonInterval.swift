import Foundation

/// Where a recall may well lie that was measured as `hits` of `samples` (Wilson, 1927). Unlike hits / samples plus or minus
/// a deviation it makes sense for few samples, and for recalls of 0 and 1.
public struct WilsonInterval: Sendable, Codable, Equatable {
    public var low: Double
    public var high: Double

    /// - Parameter z: 1.96 covers the truth in 95 of 100 cases.
    public init(hits: Double, samples: Double, z: Double = 1.959964) {
        guard samples > 0 else {
            (low, high) = (0, 1)
            return
        }
        let (p, square) = (hits / samples, z * z)
        let centre = (p + square / (2 * samples)) / (1 + square / samples)
        let half =
            z / (1 + square / samples) * (p * (1 - p) / samples + square / (4 * samples * samples)).squareRoot()
        // At the ends the formula gives 0 and 1 but for rounding.
        low = hits <= 0 ? 0 : max(0, centre - half)
        high = hits >= samples ? 1 : min(1, centre + half)
    }
}
