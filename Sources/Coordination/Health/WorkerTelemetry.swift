/// What a worker tells of itself with a heartbeat. What is zero is not known.
public struct WorkerTelemetry: Hashable, Sendable {
    /// A percentile pair, in seconds.
    public struct Quantiles: Hashable, Sendable, Codable {
        public var p50: Double
        public var p95: Double

        public init(p50: Double = 0, p95: Double = 0) { (self.p50, self.p95) = (p50, p95) }
    }

    /// The parts of an assignment of a step, over the last ones.
    public struct Phases: Hashable, Sendable, Codable {
        /// Reading and mixing samples.
        public var gather = Quantiles()
        /// Products and losses.
        public var compute = Quantiles()
        /// From the last result to its message.
        public var send = Quantiles()
        /// Waiting for the next assignment.
        public var wait = Quantiles()
        /// All of it.
        public var step = Quantiles()

        public init() {}
    }

    /// Processors that it may use.
    public var cores: UInt32 = 0
    /// Processor time per second since the heartbeat before: 1 is one busy core.
    public var cpu = 0.0
    /// The same of the computing thread, per second in which it had work: below 1 it was held back.
    public var busyCPU = 0.0
    /// Resident, and of it what is not shared with a file.
    public var memoryBytes: UInt64 = 0
    public var memoryPrivateBytes: UInt64 = 0
    /// Room on the disk of its working directory.
    public var diskFreeBytes: UInt64 = 0
    /// Share of its working time that it waited for pages of the data files.
    public var diskWait = 0.0
    public var samplesPerSecond = 0.0
    /// Since its start.
    public var bytesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var errors: UInt64 = 0
    /// From a heartbeat to its answer, in seconds.
    public var roundTrip = 0.0
    public var phases = Phases()

    public init() {}
}
