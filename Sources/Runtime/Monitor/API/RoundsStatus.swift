/// `/api/v1/rounds`: validations, and the last steps.
public struct RoundsStatus: Codable, Sendable {
    public var format = 1
    public var sequence: UInt64
    public var time: String
    public var rounds: [RoundStatus]
    public var steps: [StepStatus]
}

/// A validation, with the fields of ``RoundReport`` beside its own.
public struct RoundStatus: Codable, Sendable {
    public var report: RoundReport
    public var time: String?
    public var seconds: Double?

    private enum Key: CodingKey { case time, seconds }

    init(report: RoundReport, time: String? = nil, seconds: Double? = nil) {
        (self.report, self.time, self.seconds) = (report, time, seconds)
    }

    public init(from decoder: any Decoder) throws {
        report = try RoundReport(from: decoder)
        let container = try decoder.container(keyedBy: Key.self)
        time = try container.decodeIfPresent(String.self, forKey: .time)
        seconds = try container.decodeIfPresent(Double.self, forKey: .seconds)
    }

    public func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encodeIfPresent(time, forKey: .time)
        try container.encodeIfPresent(seconds, forKey: .seconds)
    }
}

/// A step that was taken.
public struct StepStatus: Codable, Sendable {
    public struct Part: Codable, Sendable {
        public var name: String
        public var seconds: Double
        public var nodes: [String]
    }

    public var step: Int
    public var time: String
    public var seconds: Double
    public var loss: Double
    public var waitedFor: String
    public var waitedSeconds: Double
    public var workers: [Part]
}
