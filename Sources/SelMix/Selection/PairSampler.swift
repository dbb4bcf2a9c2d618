import Common

/// A class pair: features of `label`, whose label is kept, mixed with features of `partner`.
public struct ClassPair: Hashable, Sendable, Codable {
    public var label: Int
    public var partner: Int

    public init(label: Int, partner: Int) {
        self.label = label
        self.partner = partner
    }
}

/// Draws class pairs from a distribution in constant time each: the label from the row sums, then the partner from that row.
///
/// The table of a row is made when the row is first drawn, as most of the mass sits in few rows.
public struct PairSampler {
    private let distribution: PairDistribution
    private let labels: AliasTable
    private var partners: [AliasTable?]
    private let philox: Philox

    public init(_ distribution: PairDistribution, seed: UInt64) {
        self.distribution = distribution
        labels = AliasTable(
            weights: (0..<distribution.classes).map { row in
                distribution.probabilities[row: row].reduce(0.0) { $0 + Double($1) }
            })
        partners = [AliasTable?](repeating: nil, count: distribution.classes)
        philox = Philox(seed: seed)
    }

    /// The pair of one slot of one step: the same whoever asks, and in whatever order.
    public mutating func pair(step: StepIndex, slot: Int) -> ClassPair {
        let block = philox.block(.classPair, index: step.rawValue, slot: slot)
        let label = labels.draw(block.low)
        if partners[label] == nil {
            partners[label] = AliasTable(weights: distribution.probabilities[row: label].map { Double($0) })
        }
        return ClassPair(label: label, partner: partners[label]!.draw(block.high))
    }
}
