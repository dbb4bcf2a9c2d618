import Coordination

/// `/api/v1/workers`.
public struct WorkersStatus: Codable, Sendable {
    public var format = 1
    public var sequence: UInt64
    public var time: String
    public var medianShardSeconds: Double?
    public var workers: [WorkerStatus]
}

/// One incarnation of a worker.
public struct WorkerStatus: Codable, Sendable {
    public struct Telemetry: Codable, Sendable {
        public var cores: Int
        public var cpu: Double
        public var busyCPU: Double?
        public var memoryBytes: UInt64
        public var memoryPrivateBytes: UInt64
        public var diskFreeBytes: UInt64
        public var diskWait: Double
        public var samplesPerSecond: Double?
        public var bytesSent: UInt64
        public var bytesReceived: UInt64
        public var errors: UInt64
        public var roundTripSeconds: Double?
        public var phases: WorkerTelemetry.Phases?
    }

    public struct Test: Codable, Sendable {
        public var matrixFlopsPerSecond: Double?
        public var memoryBytesPerSecond: Double?
        public var diskBytesPerSecond: Double?
        public var roundTripSeconds: Double?
        public var problems: [String]
    }

    public var name: String
    public var incarnation: String
    public var state: WorkerState
    public var reason: String
    public var since: String
    public var host: String?
    public var processID: Int32?
    public var version: String?
    public var instructionSet: String?
    public var joined: String?
    public var silentSeconds: Double?
    public var work: String?
    public var workSeconds: Double?
    public var shardsHeld: [Int]?
    public var shardSeconds: Double?
    public var stragglerScore: Double?
    public var steps: Int
    public var waitedFor: Int
    public var waitedForSeconds: Double
    public var telemetry: Telemetry?
    public var selfTest: Test?
}

extension WorkerStatus.Telemetry {
    init(_ telemetry: WorkerTelemetry) {
        cores = Int(telemetry.cores)
        cpu = telemetry.cpu
        busyCPU = telemetry.busyCPU.unlessZero
        (memoryBytes, memoryPrivateBytes) = (telemetry.memoryBytes, telemetry.memoryPrivateBytes)
        diskFreeBytes = telemetry.diskFreeBytes
        diskWait = telemetry.diskWait
        samplesPerSecond = telemetry.samplesPerSecond.unlessZero
        (bytesSent, bytesReceived, errors) = (telemetry.bytesSent, telemetry.bytesReceived, telemetry.errors)
        roundTripSeconds = telemetry.roundTrip.unlessZero
        phases = telemetry.phases.step.p95 > 0 ? telemetry.phases : nil
    }
}

extension WorkerStatus.Test {
    init(_ test: SelfTest, problems: [String]) {
        matrixFlopsPerSecond = test.matrixFlopsPerSecond.unlessZero
        memoryBytesPerSecond = test.memoryBytesPerSecond.unlessZero
        diskBytesPerSecond = test.diskBytesPerSecond.unlessZero
        roundTripSeconds = test.roundTrip.unlessZero
        self.problems = problems
    }
}

extension Double {
    /// Nil where zero says that it is not known, and for what JSON cannot say.
    var unlessZero: Double? { self == 0 || !isFinite ? nil : self }
}
