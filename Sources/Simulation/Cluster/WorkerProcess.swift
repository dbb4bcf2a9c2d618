import Common
import Coordination

/// A worker process: the production state machine, and what its shell keeps.
struct WorkerProcess {
    enum End {
        case killed
        case exited(WorkerExit)
    }

    /// An assignment on the compute thread.
    struct Computation {
        let assignment: Assignment
        let heads: [Model.Parameters]
        let plan: [UInt64]
        /// The life that asked for it; results for an earlier one are not wanted.
        let generation: Int
        let nodes: [TreeNode]
        var node = 0
        var shardsOfNode = 0
    }

    let id: ProcessID
    let name: String
    let stranger: Stranger?
    var session: WorkerSession
    private(set) var end: End?
    private(set) var endedAt: Instant?
    var pausedUntil = Instant.origin
    var alarm: Instant?
    /// Its machine's pace, and what slows it down for a while: both multiply the time a block takes.
    let pace: Int
    var slowness = 1
    /// The fraction of its contributions that it computes wrongly.
    var lies = 0.0
    /// Its name is refused.
    var isQuarantined = false
    var isLoaded = false
    var weights: (version: WeightsVersion, heads: [Model.Parameters])?
    /// The canary's.
    var formerWeights: [Model.Parameters]?
    var plans: [UInt64: [UInt64]] = [:]
    var generation = 0
    var blocks: UInt64 = 0
    /// First in, first out; the first is being computed.
    var computations: [Computation] = []
    /// The tensors of the contribution that the session is being told of.
    var tensorsInHand = Tensors.none
    /// Where other workers reach it; empty where they do not.
    let address: String
    /// What it gives to its group and takes from it.
    var exchange: GroupExchange
    /// When a message that counts last came.
    var lastWord: Instant
    /// When its present life began.
    var lastConnected: Instant
    /// When it was asked to leave.
    var stopRequestedAt: Instant?

    mutating func end(_ how: End, at now: Instant) {
        end = how
        endedAt = now
    }

    var isRunning: Bool { end == nil }
    var stopRequested: Bool { stopRequestedAt != nil }
    /// May do work for the run, now or later.
    var isUseful: Bool { isRunning && stranger == nil && !stopRequested && !isQuarantined }

    init(
        id: ProcessID, name: String, stranger: Stranger?, session: WorkerSession, pace: Int, address: String,
        shards: Int, at now: Instant
    ) {
        self.id = id
        self.address = address
        exchange = GroupExchange(shards: shards)
        self.name = name
        self.stranger = stranger
        self.session = session
        self.pace = pace
        lastWord = now
        lastConnected = now
    }
}
