import Common

// What the coordinator knows of its workers, for whoever watches the run.

extension Coordinator {
    /// The workers that take part, in order of joining.
    public var observations: [WorkerObservation] {
        workers.values.sorted { $0.joinOrder < $1.joinOrder }.map { worker in
            let membership: WorkerObservation.Membership =
                switch worker.state {
                case .joining: .joining
                case .ready: .ready
                case .draining: .draining(reason: worker.leavingReason)
                }
            let oldest = (worker.outstanding + worker.late).min { $0.firstSent < $1.firstSent }
            return WorkerObservation(
                name: worker.name, incarnation: worker.incarnation, hello: worker.hello, joinedAt: worker.joinedAt,
                membership: membership, lastHeard: worker.lastHeard,
                held: oldest.map {
                    .init(
                        work: $0.assignment.work, since: $0.firstSent, lastSign: $0.lastSign,
                        patienceEnd: $0.patienceEnd(configuration.timing, slowest: slowestTurnaround), shards: $0.shards
                    )
                },
                lastWorked: worker.lastWorked, pace: worker.pace, telemetry: worker.telemetry,
                selfTest: worker.selfTest, problems: problems(of: worker),
                staging: worker.staging)
        }
    }

    /// What is far below its peers in a worker's self-test.
    func problems(of worker: WorkerRecord) -> [String] {
        guard let test = worker.selfTest else { return [] }
        return test.problems(
            comparedWith: workers.values.filter { $0.incarnation != worker.incarnation }.compactMap(\.selfTest))
    }
}
