import Coordination

/// `/api/v1/run`: where a run stands. README.md beside this folder tells what each field means.
public struct RunStatus: Codable, Sendable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case waiting, validating, selecting, training, finished, interrupted, failed

        public var isOver: Bool { self == .finished || self == .interrupted || self == .failed }
    }

    public enum Health: String, Codable, Sendable {
        case healthy, degraded, waiting, failed, over
    }

    public struct Checkpoint: Codable, Sendable {
        public var round: Int?
        public var time: String?
        public var error: String?
    }

    public struct Totals: Codable, Sendable {
        public var joined = 0
        public var lost = 0
        public var left = 0
        public var refused = 0
        public var moved = 0
        public var copied = 0
        public var repeated = 0
        public var dropped = 0
        public var rejected = 0
    }

    public var format = 1
    /// What was refused at the sockets, by kind.
    public var rejections = RejectionCounts()
    public var sequence: UInt64
    public var time: String
    public var runID: String
    public var epoch: UInt64
    public var name: String
    public var version: String
    public var host: String
    public var processID: Int32
    public var output: String
    public var objectiveName: String
    public var policy: String
    public var seed: UInt64
    public var classes: Int
    public var featureDimension: Int
    public var shards: Int
    public var batch: Int
    public var started: String
    public var state: State
    public var reason: String?
    public var health: Health
    public var problems: [String]
    public var round: Int
    public var rounds: Int
    public var step: Int
    public var steps: Int
    public var stepsPerRound: Int
    public var objective: Double?
    public var objectiveBefore: Double?
    public var objectiveBest: Double?
    public var bestRound: Int?
    public var loss: Double?
    public var samplesPerSecond: Double?
    public var stepsPerSecond: Double?
    public var elapsedSeconds: Double
    public var leftSeconds: Double?
    /// By state's name, all of them.
    public var workers: [String: Int]
    public var stragglers: [String]
    public var checkpoint: Checkpoint
    public var outputFreeBytes: UInt64?
    public var memoryBytes: UInt64?
    public var totals: Totals
}
