/// The turns that the heads of a run take: step t trains head t mod F.
///
/// So a step computes and moves as much as with one head, each head learns from every F-th step, and the head that step
/// t + 1 trains does not depend on step t. A weights version stands for all heads together: version n + 1 differs from
/// version n in the one head that step n trained.
public struct FoldTurns: Hashable, Sendable {
    /// F, at least 1.
    public let heads: Int

    public init(heads: Int) {
        precondition(heads >= 1, "\(heads) heads")
        self.heads = heads
    }

    /// The head that a step trains.
    public func head(of step: StepIndex) -> Int { step.rawValue % heads }

    /// The heads in which two versions differ, ascending; all of them where there is no earlier version.
    public func trained(after earlier: WeightsVersion?, upTo version: WeightsVersion) -> [Int] {
        guard let earlier, version.rawValue - earlier.rawValue < heads else { return Array(0..<heads) }
        return (earlier.rawValue..<max(earlier.rawValue, version.rawValue)).map { $0 % heads }.sorted()
    }

    /// Whether a step is the last of its round that trains this head, so that the round's validation will judge the head as
    /// this step leaves it.
    public func endsRound(_ step: StepIndex, stepsPerRound: Int) -> Bool {
        stepsPerRound - step.rawValue % stepsPerRound <= heads
    }
}
