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
