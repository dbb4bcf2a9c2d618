import Common
import Messaging

/// What a coordinating process does with the files, sockets and pipes that it may have open.
///
/// Sockets take what is left when files and child processes have theirs: a run that cannot accept another worker goes on,
/// and one that cannot write its checkpoint is lost.
struct DescriptorBudget: Equatable {
    /// Event descriptors, pollers, timers, listening sockets, logs: what a run without a worker has open.
    static let own = 38
    /// For checkpoints, reports and data files while they are written and read.
    static let files = 10
    static let fewestHTTP = 4
    static let mostHTTP = 256
    /// A worker's process: two pipes and a descriptor of the process.
    static let child = 3
    /// An agent's: three pipes and a descriptor of the process.
    static let agent = 4
    /// A worker has a connection for control and one for tensors.
    static let worker = 2
    /// More connections than any run needs.
    private static let mostConnections = 8192

    /// Connections of workers, and of whoever else comes by.
    let connections: Int
    let http: Int

    /// What a run needs at least.
    static func needed(workers: Int, children: Int) -> Int {
        own + files + fewestHTTP + children + worker * workers
    }

    /// - Parameters:
    ///   - limit: how many the process may have.
    ///   - workers: how many are expected.
    ///   - children: descriptors that child processes take.
    /// - Throws: `failed` where they are too few.
    init(limit: Int, workers: Int, children: Int) throws {
        let needed = Self.needed(workers: workers, children: children)
        guard limit >= needed else {
            throw SelMixError(
                .failed,
                "too many open files: a run with \(workers) worker\(workers == 1 ? "" : "s") needs "
                    + "\(needed), and this process may have \(limit)",
                hint: "raise the limit with `ulimit -n \(max(1024, 2 * needed))`, or take fewer workers")
        }
        let spare = limit - needed
        http = min(Self.mostHTTP, Self.fewestHTTP + spare / 4)
        // As much again stays free for files.
        connections = min(Self.mostConnections, Self.worker * workers + spare - 2 * (http - Self.fewestHTTP))
    }
}
