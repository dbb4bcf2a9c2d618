import Common

// What coordinator and workers say to each other, without the tensors that travel beside some of it. The written contract
// is proto/README.md.

/// The version of the protocol; peers of another one are refused by name.
public let protocolVersion: UInt32 = 2

/// Carried by every message.
public struct Header: Hashable, Sendable {
    public var protocolVersion: UInt32
    /// Nil in a worker's first hello.
    public var runID: RunID?
    public var epoch: Epoch
    public var worker: String
    public var incarnation: Incarnation

    public init(
        protocolVersion: UInt32 = Coordination.protocolVersion, runID: RunID?, epoch: Epoch, worker: String,
        incarnation: Incarnation
    ) {
        self.protocolVersion = protocolVersion
        self.runID = runID
        self.epoch = epoch
        self.worker = worker
        self.incarnation = incarnation
    }
}

/// From a worker to the coordinator.
public enum WorkerMessage: Equatable, Sendable {
    case hello(Hello)
    case heartbeat(Heartbeat)
    /// A part of the tensors of a contribution that will follow.
    case slice(ContributionSlice)
    case contribution(Contribution)
    /// A piece of a step's gradient, summed for the group that the worker belongs to.
    case sum(PieceSum)
    /// Asks to hand over and leave.
    case leaving(reason: String)
    /// Gives up: what is wrong with this worker.
    case failed(reason: String)
    /// Asks what the job's files are.
    case listFiles
    /// Asks for a part of one of them.
    case fetch(ChunkID)
}

public struct Hello: Hashable, Sendable {
    /// The version of the program.
    public var version: String
    public var host: String
    public var processID: Int32
    /// The best instruction set of the worker's machine.
    public var instructionSet: String
    public var matrixLibrary: String

    public init(version: String, host: String, processID: Int32, instructionSet: String, matrixLibrary: String) {
        self.version = version
        self.host = host
        self.processID = processID
        self.instructionSet = instructionSet
        self.matrixLibrary = matrixLibrary
    }
}

public struct Heartbeat: Equatable, Sendable {
    public enum Phase: Hashable, Sendable {
        case loading
        /// The data are mapped; the digest tells how this machine rounds.
        case ready(probe: Digest)
    }

    public var phase: Phase
    /// Blocks of work done since the worker's start; only ever grows.
    public var blocks: UInt64
    /// The weights that the worker holds.
    public var weights: WeightsVersion?
    /// Numbers of the assignments that the worker holds and has not finished.
    public var holding: [UInt64]
    /// What the worker tells of itself, for whoever watches; decides nothing.
    public var telemetry: WorkerTelemetry?
    /// Once it is ready.
    public var selfTest: SelfTest?
    /// While the worker fetches files.
    public var staging: StagingProgress?
    /// Where other workers reach this one; empty where they do not.
    public var peerAddress: String

    public init(
        phase: Phase, blocks: UInt64, weights: WeightsVersion?, holding: [UInt64], telemetry: WorkerTelemetry? = nil,
        selfTest: SelfTest? = nil, staging: StagingProgress? = nil, peerAddress: String = ""
    ) {
        self.peerAddress = peerAddress
        (self.telemetry, self.selfTest, self.staging) = (telemetry, selfTest, staging)
        self.phase = phase
        self.blocks = blocks
        self.weights = weights
        self.holding = holding
    }
}

/// From the coordinator to one worker.
public enum CoordinatorMessage: Hashable, Sendable {
    /// Accepted: load the job. The job itself travels beside it.
    case welcome(Welcome)
    /// Not accepted. With `retry`, the reason may pass and the worker asks again.
    case refused(reason: String, retry: Bool)
    /// Answers a heartbeat, so that a worker knows that its coordinator lives.
    case alive
    /// This incarnation is not known (any more): say hello as a new one.
    case rejoin(reason: String)
    /// A part of the tensors of new weights, some rows of them; may come before the weights are final.
    case weightsSlice(WeightsVersion, head: Int = 0, index: Int)
    /// The same of fewer rows of the head that the step before these weights trained, which the other workers of the group
    /// get from this one.
    case weightsPiece(WeightsVersion, index: Int)
    /// New weights: the digest of all their slices and of the tensors beside it. With `passedOn`, some of it comes from other
    /// workers, maybe later than this. They bring the heads that were trained since the version `after`, which the worker has
    /// to hold; all heads where that is nil.
    case weights(WeightsVersion, Digest, passedOn: Bool, after: WeightsVersion? = nil)
    /// Work to do; for a step, the class pairs of the shards' slots travel beside it.
    case assign(Assignment)
    /// Nothing more to do: leave.
    case release(reason: String)
    /// What the job's files are; sizes and digests travel beside it.
    case files(chunkBytes: Int)
    /// A part of a file; the bytes travel beside it.
    case chunk(ChunkID)
    /// The coordinator cannot read its files.
    case noFiles(reason: String)
}

public struct Welcome: Hashable, Sendable {
    public var instructionSet: String
    public var heartbeatInterval: Duration
    public var orphanTimeout: Duration
    public var shards: Int

    public init(instructionSet: String, heartbeatInterval: Duration, orphanTimeout: Duration, shards: Int) {
        self.instructionSet = instructionSet
        self.heartbeatInterval = heartbeatInterval
        self.orphanTimeout = orphanTimeout
        self.shards = shards
    }
}
