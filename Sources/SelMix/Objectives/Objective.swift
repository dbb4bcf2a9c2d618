import Common

/// A metric to optimise, as SelMix needs it: its value, its multipliers, and its gradient at the current confusion matrix.
///
/// The gradient is taken with respect to the unconstrained confusion matrix C~, defined by C_kl = pi_k softmax(C~_k)_l
/// (paper, section 4). For any function of recalls and a linear term in the coverages it has the form that
/// ``GradientTerms`` describes, so an objective only tells its weights.
public protocol Objective: Sendable {
    var name: String { get }

    /// The value on raw statistics: what reports show and what chooses the best round.
    func value(_ statistics: ConfusionStatistics) -> Double

    /// The Lagrange multipliers [K] of this round; empty for an objective without any.
    func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double]

    /// The weights of the gradient, given this round's multipliers.
    func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms

    /// The smooth function whose gradient that is: the value itself, or the Lagrangian at these multipliers.
    func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double
}

extension Objective {
    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] { [] }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double { value(statistics) }
}

/// The weights of an objective's gradient D = d psi / d C~:
///
/// D_km = scale (w_k r_k (delta_km - C_km / pi_k) + C_km (lambda_m - sum_l lambda_l C_kl / pi_k)).
public struct GradientTerms: Sendable {
    /// w [K]: derivative of the objective by each recall.
    public var recallWeights: [Double]
    /// lambda [K]: weight of each coverage; nil without a coverage term.
    public var coverageWeights: [Double]?
    public var scale = 1.0

    public init(recallWeights: [Double], coverageWeights: [Double]? = nil, scale: Double = 1) {
        self.recallWeights = recallWeights
        self.coverageWeights = coverageWeights
        self.scale = scale
    }

    /// D [K, K].
    public func gradient(_ statistics: ConfusionStatistics) -> Matrix<Double> {
        let classes = statistics.classes
        var gradient = Matrix<Double>(rows: classes, columns: classes, repeating: 0)
        for k in 0..<classes {
            guard let recall = statistics.recalls[k] else { continue }
            let row = statistics.confusion[k * classes..<(k + 1) * classes]
            let prior = statistics.priors[k]
            let push = recallWeights[k] * recall
            for (m, value) in row.enumerated() {
                gradient[k, m] = push * ((k == m ? 1 : 0) - value / prior)
            }
            if let lambda = coverageWeights {
                let mean = zip(lambda, row).reduce(0) { $0 + $1.0 * $1.1 } / prior
                for (m, value) in row.enumerated() { gradient[k, m] += value * (lambda[m] - mean) }
            }
            if scale != 1 {
                for m in 0..<classes { gradient[k, m] *= scale }
            }
        }
        return gradient
    }
}
