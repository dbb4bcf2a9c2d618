import Common
import Foundation

/// What is minimised on a mixed sample: cross-entropy, with logits moved and targets smoothed as a loss asks.
///
/// Every loss here is cross-entropy of softmax(logits + offsets) against (1 - s) target + s / K, so a loss only tells its
/// offsets and its smoothing, and one kernel computes them all.
public struct LossTerms: Sendable, Equatable {
    /// [K], added to the logits while training; nil for none.
    public var offsets: [Float]?
    /// s: the part of the target that is spread evenly over all classes.
    public var smoothing: Float

    public init(offsets: [Float]? = nil, smoothing: Float = 0) {
        self.offsets = offsets
        self.smoothing = smoothing
    }
}

/// A loss by name with its parameters, as the job file gives it.
public struct LossSettings: Sendable, Codable, Equatable {
    public enum Name: String, Sendable, Codable, CaseIterable {
        case crossEntropy = "cross-entropy"
        /// CE(logits + tau log pi) with pi the training priors (Menon et al., arXiv 2007.07314).
        case logitAdjusted = "logit-adjusted"
        /// Targets 1 - s + s/K on the label and s/K elsewhere, with s near 1 (arXiv 2403.00250).
        case overSmoothing = "over-smoothing"
    }

    public var name: Name
    /// logit-adjusted: the strength of the adjustment.
    public var tau = 1.0
    /// over-smoothing: s.
    public var smoothing = 0.98

    public init(_ name: Name = .crossEntropy) { self.name = name }

    /// - Parameter trainCounts: training samples per class, [K].
    public func terms(trainCounts: [Int]) -> LossTerms {
        switch name {
        case .crossEntropy: LossTerms()
        case .logitAdjusted:
            LossTerms(offsets: Self.logPriors(trainCounts).map { Float(tau * $0) })
        case .overSmoothing: LossTerms(smoothing: Float(smoothing))
        }
    }

    /// log pi [K] of the training frequencies.
    public static func logPriors(_ trainCounts: [Int]) -> [Double] {
        let total = Double(trainCounts.reduce(0, +))
        return trainCounts.map { log(Double($0) / total) }
    }
}
