import Common

/// What the coordinator knows of a worker that takes part, at one time.
public struct WorkerObservation: Sendable {
    public enum Membership: Sendable {
        case joining
        case ready
        case draining(reason: String)
    }

    /// Work that it was given and has not finished.
    public struct Held: Sendable {
        public var work: Work
        public var since: Instant
        /// When it last showed progress on it.
        public var lastSign: Instant
        /// When it is given up if it shows none.
        public var patienceEnd: Instant
        public var shards: [ShardID]
    }

    public var name: String
    public var incarnation: Incarnation
    public var hello: Hello
    public var joinedAt: Instant
    public var membership: Membership
    public var lastHeard: Instant
    /// The oldest that it holds; nil when it has nothing to do.
    public var held: Held?
    /// When it last had work, or the origin.
    public var lastWorked: Instant
    public var pace: ShardPace
    public var telemetry: WorkerTelemetry?
    public var selfTest: SelfTest?
    /// What is far below its peers in the self-test.
    public var problems: [String]
    /// What it has fetched of the job's files, while it does.
    public var staging: StagingProgress?
}
