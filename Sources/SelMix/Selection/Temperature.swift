/// T of the softmax that turns gains into a distribution.
public enum Temperature: Sendable, Equatable {
    /// In units of the gain, as the paper gives it.
    case absolute(Double)
    /// As a fraction of the round's largest gain, so that it keeps its meaning while gains shrink.
    case relative(Double)

    /// The absolute temperature for a round.
    public func value(largestGain: Double) -> Double {
        switch self {
        case .absolute(let temperature): temperature
        case .relative(let fraction): fraction * largestGain
        }
    }
}
