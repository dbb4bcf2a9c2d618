import Common

/// How two samples become one: the share of the first in the features, and in the label.
///
/// SelMix keeps the first sample's label whatever the features' share is; mixup gives label and features the same share.
public struct MixRule: Sendable, Equatable {
    /// The first sample's share in the label.
    public enum LabelRatio: Sendable, Equatable {
        /// All of it: SelMix.
        case one
        /// The same as in the features: mixup.
        case same
        /// One half, whatever the features' share.
        case midpoint
        /// Drawn by itself, uniformly.
        case uniform(ClosedRange<Double>)
    }

    /// The first sample's share beta in the features is uniform over this range.
    public var featureRatio: ClosedRange<Double>
    public var labelRatio: LabelRatio
    /// The first step that does not mix any more.
    public var endStep: Int

    public init(featureRatio: ClosedRange<Double>, labelRatio: LabelRatio = .one, endStep: Int = .max) {
        self.featureRatio = featureRatio
        self.labelRatio = labelRatio
        self.endStep = endStep
    }

    /// The two shares of one slot.
    public func ratios(_ block: Philox.Block, step: StepIndex) -> (feature: Float, label: Float) {
        guard step.rawValue < endStep else { return (1, 1) }
        let feature = Self.within(featureRatio, block.low)
        let label =
            switch labelRatio {
            case .one: 1.0
            case .same: feature
            case .midpoint: 0.5
            case .uniform(let range): Self.within(range, block.high)
            }
        return (Float(feature), Float(label))
    }

    private static func within(_ range: ClosedRange<Double>, _ bits: UInt64) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * bits.unitInterval
    }
}
