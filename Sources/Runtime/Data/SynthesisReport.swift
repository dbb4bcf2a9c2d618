import Training

/// What a synthesis has made.
public struct SynthesisReport: Sendable, Encodable {
    public var output: String
    public var job: String
    public var profile: SyntheticProfile
    public var seed: UInt64
    public var dataType: String
    /// By split.
    public var samples: [String: Int]
    /// Of all features.
    public var bytes: Int
    public var featureSeconds: Double
    public var headSeconds: Double
    /// Of the plain head on validation.
    public var meanRecall: Double
    public var headRecall: Double
    public var tailRecall: Double
}
