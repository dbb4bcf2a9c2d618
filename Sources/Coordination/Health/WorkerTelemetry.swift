/// What a worker tells of itself with a heartbeat. What is zero is not known.
public struct WorkerTelemetry: Equatable, Sendable {
    /// A percentile pair, in seconds.
    public struct Quantiles: Equatable, Sendable, Codable {
        public var p50: Double
        public var p95: Double

        public init(p50: Double = 0, p95: Double = 0) { (self.p50, self.p95) = (p50, p95) }
    }

    /// The parts of an assignment of a step, over the last ones.
    public struct Phases: Equatable, Sendable, Codable {
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

/// The largest value that each kind of measurement may have: far beyond any machine, and far below where sums, products and
/// conversions of it would overflow. Whoever sends stays within, and what is beyond is refused where it is decoded.
public enum MeasurementLimit {
    /// Processors, and processor time per second.
    public static let cores = 1 << 16
    /// The share of a time; a little more than 1 comes from clocks that are read one after the other.
    public static let share = 1000.0
    /// Sizes, room and traffic: an exbibyte.
    public static let bytes: UInt64 = 1 << 60
    /// Events that are counted.
    public static let count: UInt64 = 1 << 48
    /// Seconds: 30 years.
    public static let seconds = 1e9
    /// Operations, bytes or samples per second.
    public static let rate = 1e18
}
