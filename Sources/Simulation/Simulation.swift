import Coordination

/// Runs whole clusters of the production state machines in virtual time.
public enum Simulation {
    /// What came of one run.
    public struct Report: Sendable {
        public let seed: UInt64
        /// What must not have happened; nil when the run was right.
        public let violation: Violation?
        public let statistics: Statistics
        /// A hash over when everything happened: two runs of one seed have the same.
        public let fingerprint: UInt64
    }

    public enum Detail: Sendable {
        /// Without heartbeats and their answers.
        case events
        case everything
    }

    /// How long a run of some steps takes in which one worker has a slow link from early on.
    ///
    /// - Parameters:
    ///   - pieces: of a gradient that workers sum among themselves; 0 where the coordinator sums.
    ///   - delay: of each letter with tensors from and to that worker, on top of a good network's; zero: there is no such worker.
    /// - Throws: what must not have happened.
    public static func duration(
        ofSteps steps: Int, workers: Int, pieces: Int, slowLink delay: Duration, seed: UInt64 = 1,
        trace: ((String) -> Void)? = nil
    ) throws(Violation) -> Duration {
        let settings = Settings(steps: steps, workers: workers, pieces: pieces, seed: seed)
        let f = settings.timing.failureTimeout
        let faults: [(Fault, Instant)] = delay > .zero ? [(.slowLink(delay: delay), .origin + f * 2)] : []
        let plan = FaultPlan(faults, end: .origin + f * 100_000, failureTimeout: f)
        let story = trace.map { Trace(.events, write: $0) } ?? Trace(nil)
        let cluster = Cluster(seed: seed, canary: nil, trace: story, given: (settings, plan))
        try cluster.run()
        guard let end = cluster.endedAt else { throw Violation("the run has no end") }
        return end - .origin
    }

    /// Simulates the run that a seed stands for.
    ///
    /// - Parameters:
    ///   - canary: a deliberate defect.
    ///   - trace: takes each line of the run's story.
    public static func run(
        seed: UInt64, canary: Canary? = nil, detail: Detail = .events, trace: ((String) -> Void)? = nil
    ) -> Report {
        let story = trace.map { Trace(detail, write: $0) } ?? Trace(nil)
        let cluster = Cluster(seed: seed, canary: canary, trace: story)
        var violation: Violation?
        do { try cluster.run() } catch { violation = error }
        if let violation { story.line(cluster.now) { "VIOLATION: \(violation)" } }
        return Report(
            seed: seed, violation: violation, statistics: cluster.statistics, fingerprint: cluster.fingerprint)
    }
}
