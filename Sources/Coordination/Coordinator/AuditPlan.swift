import Common

/// Which contributions are computed twice, by different workers, and compared before they are used.
///
/// It is drawn for every node of the reduction tree and every piece of work by counter, so it does not depend on who
/// computes what. Whoever knows the seed knows the draw: an audit is against machines that compute wrongly, not against
/// people who lie.
public struct AuditPlan: Sendable, Equatable {
    public let seed: UInt64
    /// From 0 for none to 1 for all.
    public let fraction: Double

    public init(seed: UInt64, fraction: Double) {
        // The job file, and a job in JSON, are refused with another fraction.
        precondition((0...1).contains(fraction), "an audit of \(fraction)")
        self.seed = seed
        self.fraction = fraction
    }

    public static let none = AuditPlan(seed: 0, fraction: 0)

    public func contains(_ node: TreeNode, in work: Work) -> Bool {
        guard fraction > 0 else { return false }
        let (index, kind): (Int, UInt32) =
            switch work {
            case .validate(let round): (round.rawValue, 0)
            case .train(let step): (step.rawValue, 1)
            }
        let block = Philox(seed: seed).block(
            .audit, index: index, slot: node.lower, lane: UInt32(truncatingIfNeeded: node.upper) << 1 | kind)
        return block.low.unitInterval < fraction
    }
}
