// Arithmetic on numbers that came from outside, or were computed from such. Each is given a range where it is decoded; what
// adds, scales and prints them saturates all the same, so that no combination of allowed values ends a process.

extension FixedWidthInteger {
    /// The nearest value of this type: the least or the largest one for what lies beyond, and 0 for what is no number.
    public init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else if let exact = Self(exactly: value.rounded()) {
            self = exact
        } else {
            self = value < 0 ? .min : .max
        }
    }

    /// The sum, or the nearest value where it does not fit.
    public func addingSaturated(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}

extension Duration {
    /// The longest time that is computed with, in seconds: some 300 years. Sums of thousands of such times still fit.
    public static let longestSeconds = 1e10

    /// That many seconds, within ``longestSeconds``; zero for what is no number.
    public static func saturated(seconds: Double) -> Duration {
        seconds.isNaN ? .zero : .seconds(min(max(seconds, -longestSeconds), longestSeconds))
    }
}
