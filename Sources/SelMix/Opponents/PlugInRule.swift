/// A decision from calibrated probabilities p: the class l with the largest scale_l p_l + addition_l. For any objective
/// that is linear in the confusion matrix, the best decision has this form.
public struct PlugInRule: Sendable, Equatable {
    /// [K]: what a hit of the class is worth, over its prior.
    public var scales: [Float]
    /// [K]: what a prediction of the class is worth by itself; nil for nothing.
    public var additions: [Float]?

    public init(scales: [Float], additions: [Float]? = nil) {
        (self.scales, self.additions) = (scales, additions)
    }

    /// Ties go to the lower class.
    public func decision(_ probabilities: UnsafePointer<Float>) -> Int {
        scales.withUnsafeBufferPointer { scales in
            var (best, most) = (0, -Float.infinity)
            if let additions {
                additions.withUnsafeBufferPointer { additions in
                    for k in 0..<scales.count {
                        let worth = scales[k] * probabilities[k] + additions[k]
                        if worth > most { (best, most) = (k, worth) }
                    }
                }
            } else {
                for k in 0..<scales.count {
                    let worth = scales[k] * probabilities[k]
                    if worth > most { (best, most) = (k, worth) }
                }
            }
            return best
        }
    }
}

/// A classifier that draws one of several rules for each row, by their weights.
public struct RandomisedRule: Sendable, Equatable {
    public struct Component: Sendable, Equatable {
        public var weight: Double
        public var rule: PlugInRule
    }

    /// Weights sum to 1.
    public internal(set) var components: [Component] = []

    /// (1 - weight) of what is there and `weight` of a rule.
    mutating func blend(_ rule: PlugInRule, weight: Double) {
        for index in components.indices { components[index].weight *= 1 - weight }
        components.removeAll { $0.weight < 1e-9 }
        if let same = components.firstIndex(where: { $0.rule == rule }) {
            components[same].weight += weight
        } else {
            components.append(Component(weight: weight, rule: rule))
        }
    }
}
