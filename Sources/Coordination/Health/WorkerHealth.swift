/// A worker's state with its reason, and since when.
public struct WorkerHealth: Sendable, Equatable {
    public var name: String
    public var incarnation: Incarnation
    public var state: WorkerState
    /// A sentence that a person understands.
    public var reason: String
    public var since: Instant
    /// Mean time of a shard, and that over the median of the workers; nil before there are a few assignments.
    public var shardTime: Duration?
    public var stragglerScore: Double?
}
