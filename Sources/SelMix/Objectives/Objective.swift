import Common

/// A metric to optimise, as SelMix needs it: its value, its multipliers, and its gradient at the current confusion matrix.
///
/// The gradient is taken with respect to the unconstrained confusion matrix C~, defined by C_kl = pi_k softmax(C~_k)_l
/// (paper, section 4). For any function of recalls and a linear term in the coverages it has the form that
/// ``GradientTerms`` describes, so an objective only tells its weights.
public protocol Objective: Sendable {
    var name: String { get }

    /// The value as a function of recalls and coverages alone.
    var form: ObjectiveForm { get }

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

    /// D [K, K]; 0 wherever C is, except on the diagonal.
    public func gradient(_ statistics: ConfusionStatistics) -> SparseMatrix {
        let confusion = statistics.confusion
        var gradient = confusion
        for k in 0..<statistics.classes {
            let places = confusion.places(row: k)
            guard let recall = statistics.recalls[k] else {
                for place in places { gradient.values[place] = 0 }
                continue
            }
            let prior = statistics.priors[k]
            let push = recallWeights[k] * recall
            let column = { (place: Int) in Int(confusion.columnIndices[place]) }
            for place in places {
                gradient.values[place] = push * ((column(place) == k ? 1 : 0) - confusion.values[place] / prior)
            }
            if let lambda = coverageWeights {
                let mean = places.reduce(0) { $0 + lambda[column($1)] * confusion.values[$1] } / prior
                for place in places {
                    gradient.values[place] += confusion.values[place] * (lambda[column(place)] - mean)
                }
            }
            if scale != 1 {
                for place in places { gradient.values[place] *= scale }
            }
        }
        return gradient
    }
}
