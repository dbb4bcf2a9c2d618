/// How long a worker took for its last assignments, and for a shard of them.
public struct ShardPace: Hashable, Sendable {
    static let window = 32
    /// Assignments in the window below which nothing is said.
    static let fewest = 4

    private var turnarounds: [Duration] = []
    private var shards: [Int] = []
    private var next = 0

    public init() {}

    mutating func add(_ turnaround: Duration, shards count: Int) {
        if turnarounds.count < Self.window {
            turnarounds.append(turnaround)
            shards.append(count)
        } else {
            turnarounds[next] = turnaround
            shards[next] = count
            next = (next + 1) % Self.window
        }
    }

    /// Mean time of a shard and of an assignment; nil before there are a few. Means, not medians: a process that is stopped
    /// nine tenths of the time is quick in the rest.
    ///
    /// - Parameter running: for how long it has been at an assignment of so many shards that is not done; counts where it
    ///   is longer than the mean.
    public func means(running: (elapsed: Duration, shards: Int)?) -> (shard: Duration, assignment: Duration)? {
        guard turnarounds.count >= Self.fewest else { return nil }
        var (time, parts, count) = (turnarounds.reduce(.zero, +), shards.reduce(0, +), turnarounds.count)
        if let running, running.elapsed * count > time {
            time += running.elapsed
            parts += running.shards
            count += 1
        }
        return (time / max(1, parts), time / count)
    }
}
