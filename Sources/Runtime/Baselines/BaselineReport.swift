import SelMix

/// One line of the report's comparison.
public struct BaselineReport: Sendable, Codable {
    public var name: String
    public var title: String
    /// What was chosen on validation, such as "tau = 1.5" or "round 12".
    public var setting: String?
    /// The objective's value on validation, by which that was chosen.
    public var objective: Double
    public var validation: Metrics
    public var test: Metrics?
    /// Whether this is the head that the run wrote.
    public var written: Bool
}
