import Common

/// What the coordinator knows of one incarnation of a worker.
struct WorkerRecord: Sendable {
    enum State: Sendable, Equatable {
        /// Welcomed, loading its data.
        case joining
        /// Can be given work.
        case ready
        /// Finishes what it holds, then leaves.
        case draining
    }

    /// Why a worker computes something.
    enum Role: Sendable {
        /// It was dealt to it.
        case own
        /// A straggler holds it too.
        case copy
        /// Another worker has computed it or will, and the two are compared.
        case audit
    }

    /// An assignment on its way through the worker.
    struct Outstanding: Sendable {
        let assignment: Assignment
        var missing: Set<TreeNode>
        /// How often its shards were taken from a worker that got stuck with them.
        let timesStuck: Int
        let firstSent: Instant
        let role: Role
        /// As a straggler's, it was given to somebody else too.
        var isCopied = false
        var lastSent: Instant
        /// When it was last sent, or when the worker last showed progress on it.
        var lastSign: Instant
        var sendings = 1

        /// Shards that no contribution of this assignment has covered yet.
        var shards: [ShardID] { missing.flatMap(\.shards).sorted() }

        func patienceEnd(_ timing: Timing, slowest: Duration) -> Instant {
            lastSign + timing.patience(slowest: slowest, timesStuck: timesStuck)
        }
    }

    let name: String
    let host: String
    let incarnation: Incarnation
    let joinOrder: Int
    var state = State.joining
    var lastHeard: Instant
    let hello: Hello
    let joinedAt: Instant
    /// Why it drains.
    var leavingReason = ""
    /// When a contribution of it last arrived.
    var lastWorked = Instant.origin
    var pace = ShardPace()
    /// What it told last.
    var telemetry: WorkerTelemetry?
    var selfTest: SelfTest?
    var blocks: UInt64 = 0
    /// What it has fetched of the job's files, as it told last.
    var staging: StagingProgress?
    /// Where other workers reach it; empty where they do not.
    var peerAddress = ""
    /// Chunks that it has asked for and not been sent.
    var fetching = 0
    /// The weights that it was last sent.
    var weights: WeightsVersion?
    var outstanding: [Outstanding] = []
    /// What it still computes for work that is over; until that is done it is given nothing new.
    var late: [Outstanding] = []

    func leaseEnd(_ timing: Timing) -> Instant { lastHeard + timing.lease }

    /// When the first sign of progress on what it holds gets too old.
    func patienceEnd(_ timing: Timing, slowest: Duration) -> Instant? {
        (outstanding + late).map { $0.patienceEnd(timing, slowest: slowest) }.min()
    }

    /// Shards that it holds and that no contribution has covered yet.
    var load: Int { outstanding.reduce(0) { $0 + $1.missing.reduce(0) { $0 + $1.count } } }
}
