import Common
import Foundation

// A job that comes as JSON: from a coordinator, or from a file that a run left.

extension Job {
    /// A job from JSON, with the ranges of the job file for whatever is counted, divided by, or set memory aside for.
    ///
    /// - Throws: what is wrong with it.
    init(checking data: Data) throws {
        self = try JSONDecoder().decode(Job.self, from: data)
        try checkRanges()
    }

    /// A job file cannot hold a job that this refuses; what else is written in JSON can.
    func checkRanges() throws {
        let wholes: [(String, Int, ClosedRange<Int>)] = [
            ("batch", batch, 1...1 << 24), ("cluster.shards", cluster.shards, 1...4096),
            ("cluster.minWorkers", cluster.minWorkers, 1...4096),
            ("selmix.folds", selmix.folds, 1...1000), ("selmix.rounds", selmix.rounds, 1...1_000_000),
            ("selmix.stepsPerRound", selmix.stepsPerRound, 1...1_000_000),
            ("selmix.convergence.rounds", selmix.convergence?.rounds ?? 2, 2...10_000),
            ("checkpoints.keep", checkpoints.keep, 1...1000),
        ]
        for (key, value, range) in wholes where !range.contains(value) { throw Self.outOfRange(key, "\(value)") }
        if selmix.steps > UInt32.max { throw Self.outOfRange("selmix.stepsPerRound", "\(selmix.stepsPerRound)") }
        if !batch.isMultiple(of: cluster.shards) { throw Self.outOfRange("batch", "\(batch)") }
        let numbers: [(String, Double, ClosedRange<Double>)] = [
            ("cluster.failureTimeout", cluster.failureTimeout, 0.1...3600),
            ("cluster.workerWait", cluster.workerWait, 0...86400),
            ("cluster.orphanTimeout", cluster.orphanTimeout, 0...86400), ("cluster.audit", cluster.audit, 0...1),
            ("selmix.mixRatio", selmix.mixRatio.lowerBound, 0...1),
            ("selmix.mixRatio", selmix.mixRatio.upperBound, 0...1),
            ("selmix.mixUntil", selmix.mixUntil, 0...1), ("selmix.floor", selmix.floor, 0...1),
            ("selmix.diagonalSmoothing", selmix.diagonalSmoothing, 0...1),
        ]
        for (key, value, range) in numbers where !range.contains(value) { throw Self.outOfRange(key, "\(value)") }
        if cluster.reduction == .workers, cluster.audit > 0 {
            throw Self.outOfRange("cluster.audit", "\(cluster.audit)")
        }
    }

    private static func outOfRange(_ key: String, _ value: String) -> SelMixError {
        SelMixError(.invalidInput, "the job's `\(key)` is \(value), which no job file may say")
    }
}
