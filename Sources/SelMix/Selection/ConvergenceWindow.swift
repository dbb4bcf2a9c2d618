/// Tells when gains have settled: the largest gain of a round is within `tolerance` of its mean over the last rounds.
public struct ConvergenceWindow: Sendable, Codable, Equatable {
    /// How many rounds the mean is over.
    public let length: Int
    /// As a fraction of the mean.
    public let tolerance: Double
    /// The largest gains of the last rounds, oldest first.
    public private(set) var largestGains: [Double] = []

    public init(length: Int, tolerance: Double) {
        self.length = length
        self.tolerance = tolerance
    }

    /// Takes a round's largest gain.
    ///
    /// - Returns: whether the gains have settled; never before the window is full.
    public mutating func settles(with largestGain: Double) -> Bool {
        largestGains = (largestGains + [largestGain]).suffix(length)
        guard largestGains.count == length else { return false }
        let mean = largestGains.reduce(0, +) / Double(length)
        return abs(largestGain - mean) <= tolerance * abs(mean)
    }
}
