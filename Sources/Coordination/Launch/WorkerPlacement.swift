/// How many workers each host of a launch gets.
public enum WorkerPlacement {
    /// - Parameters:
    ///   - hosts: the slots that the host file gives, if it gives any, and the cores that the host has.
    ///   - shards: V. More workers than that would only stand by, so hosts without given slots are filled one worker after
    ///     the other, as far as their cores go, until there are as many. Given slots are filled in any case.
    public static func workers(_ hosts: [(slots: Int?, cores: Int)], shards: Int) -> [Int] {
        var workers = hosts.map { $0.slots ?? 0 }
        var total = workers.reduce(0, +)
        var placed = true
        while placed, total < shards {
            placed = false
            for (index, host) in hosts.enumerated()
            where host.slots == nil && workers[index] < max(1, host.cores) && total < shards {
                workers[index] += 1
                total += 1
                placed = true
            }
        }
        return workers
    }
}
