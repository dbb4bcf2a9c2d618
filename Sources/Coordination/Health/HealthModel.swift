import Common

/// How each worker is doing, and why: from what the coordinator observes, what workers tell, and what happened in the run.
///
/// It decides nothing about the run. Those that are gone stay known, so that somebody who looks later sees what became of
/// them; the last ``kept`` of them.
public struct HealthModel: Sendable {
    public static let kept = 64

    /// A worker counts as slow from this many times the median on, and no longer below the second. Shorter differences of an
    /// assignment are jitter.
    static let slowScore = 2.0
    static let recoveredScore = 1.5
    static let jitter = Duration.milliseconds(10)
    /// Share of the working time spent waiting for the disk from which on a worker is slow, and no longer.
    static let slowDisk = 0.3
    static let recoveredDisk = 0.15

    private let timing: Timing
    /// Lives that computed wrongly, and how that showed.
    private var quarantined: [Incarnation: String] = [:]
    private var here: [Incarnation: WorkerHealth] = [:]
    /// The newest first.
    public private(set) var gone: [WorkerHealth] = []
    /// Of ``ShardPace``, over the workers that have one.
    public private(set) var medianShardTime: Duration?

    public init(timing: Timing) { self.timing = timing }

    /// The health of a worker that takes part, as of the last update.
    public subscript(incarnation: Incarnation) -> WorkerHealth? { here[incarnation] }

    /// Takes note of a worker that goes.
    public mutating func happened(_ event: RunEvent, at now: Instant) {
        switch event {
        case .quarantined(let quarantine): quarantined[quarantine.incarnation] = quarantine.reason
        case .workerLost(let name, let incarnation, _) where quarantined[incarnation] != nil:
            end(name, incarnation, .quarantined, quarantined[incarnation] ?? "", at: now)
        case .workerLost(let name, let incarnation, let reason):
            end(name, incarnation, .lost, reason, at: now)
        case .workerDraining(_, let incarnation, let reason):
            // It may be gone before the next update.
            here[incarnation]?.reason = "leaves: \(reason)"
        case .workerLeft(let name, let incarnation):
            end(name, incarnation, .left, here[incarnation]?.reason ?? "it was asked to leave", at: now)
        case .workerRefused(let name, let incarnation, let reason):
            end(name, incarnation, .left, "refused: \(reason)", at: now)
        case .finished(let outcome):
            for worker in here.values.sorted(by: { $0.name < $1.name }) {
                end(worker.name, worker.incarnation, .left, "the run is over: \(outcome.told)", at: now)
            }
        default: break
        }
    }

    /// Judges all workers that take part.
    public mutating func update(_ workers: [WorkerObservation], at now: Instant) {
        let means = workers.map { worker in
            worker.pace.means(running: worker.held.map { (now - $0.since, $0.shards.count) })
        }
        let sorted = means.compactMap { $0?.shard }.sorted()
        medianShardTime = sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
        var judged: [Incarnation: WorkerHealth] = [:]
        for (worker, mean) in zip(workers, means) {
            let before = here[worker.incarnation]
            // One worker alone is its own median, and never slow.
            let score = mean.flatMap { mean in medianShardTime.map { mean.shard / $0 } }
            let (state, reason) = judge(worker, mean: mean, score: score, before: before?.state, at: now)
            judged[worker.incarnation] = WorkerHealth(
                name: worker.name, incarnation: worker.incarnation, state: state, reason: reason,
                since: before?.state == state ? before!.since : now, shardTime: mean?.shard, stragglerScore: score)
        }
        here = judged
    }

    private func judge(
        _ worker: WorkerObservation, mean: (shard: Duration, assignment: Duration)?, score: Double?,
        before: WorkerState?, at now: Instant
    ) -> (WorkerState, String) {
        let silent = now - worker.lastHeard
        if silent >= timing.lease / 2 {
            return (.suspect, "no word from it for \(silent.told); after \(timing.lease.told) it is given up")
        }
        switch worker.membership {
        case .draining(let reason):
            let rest = worker.held == nil ? "" : ", and finishes what it holds"
            return (.draining, "leaves: \(reason)\(rest)")
        case .joining:
            return (
                .joining, worker.staging.map { "fetches its files, \($0.told)" } ?? "loads its data and tests itself"
            )
        case .ready: break
        }
        let disk = worker.telemetry?.diskWait ?? 0
        let waitsForDisk = disk >= (before == .slow ? Self.recoveredDisk : Self.slowDisk)
        if let held = worker.held, !waitsForDisk, now >= held.lastSign + (held.patienceEnd - held.lastSign) / 2 {
            return (
                .stuck,
                "it answers, but shows no progress on \(held.work) for \((now - held.lastSign).told); after "
                    + "\((held.patienceEnd - held.lastSign).told) it is given up"
            )
        }
        if let reason = slowness(worker, mean: mean, score: score, waitsForDisk: waitsForDisk, before: before) {
            return (.slow, reason)
        }
        if worker.held != nil || now - worker.lastWorked < timing.failureTimeout / 2 {
            return (.computing, "computes")
        }
        return (.ready, "waits for work")
    }

    private func slowness(
        _ worker: WorkerObservation, mean: (shard: Duration, assignment: Duration)?, score: Double?,
        waitsForDisk: Bool, before: WorkerState?
    ) -> String? {
        let telemetry = worker.telemetry
        var told = ""
        if let mean, let score, let median = medianShardTime {
            let excess = mean.assignment - mean.assignment / max(score, 1)
            let limit = before == .slow ? Self.recoveredScore : Self.slowScore
            if score >= limit, before == .slow || excess >= Self.jitter {
                told = "takes \(mean.shard.toldFine) for a shard, \(score.toldTimes) the median of \(median.toldFine)"
            }
        }
        if waitsForDisk, let telemetry {
            let share = "it waits for its data disk \(telemetry.diskWait.toldPercent) of its working time"
            return told.isEmpty ? share : "\(told): \(share)"
        }
        guard !told.isEmpty else { return nil }
        if let busy = telemetry?.busyCPU, busy > 0, busy < 0.7 {
            return
                "\(told): while it works it gets \(busy.toldPercent) of a processor, so it is suspended, limited, or "
                + "shares a busy machine"
        }
        guard let problem = worker.problems.first else { return told }
        return "\(told): \(problem)"
    }

    private mutating func end(
        _ name: String, _ incarnation: Incarnation, _ state: WorkerState, _ reason: String, at now: Instant
    ) {
        here[incarnation] = nil
        gone.insert(
            WorkerHealth(name: name, incarnation: incarnation, state: state, reason: reason, since: now), at: 0)
        if gone.count > Self.kept { gone.removeLast() }
    }
}

extension Outcome {
    fileprivate var told: String {
        switch self {
        case .finished: "finished"
        case .interrupted(let reason): "interrupted (\(reason))"
        case .failed(let error): error.message
        }
    }
}

extension StagingProgress {
    /// "412 of 949 MB".
    fileprivate var told: String {
        "\(doneBytes / 1_000_000) of \(totalBytes.addingSaturated(999_999) / 1_000_000) MB"
    }
}

extension Double {
    /// "63 %".
    fileprivate var toldPercent: String { "\(Int(saturating: self * 100)) %" }
    /// "3.4 times".
    fileprivate var toldTimes: String {
        let tenths = (self * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(saturating: tenths)) times" : "\(tenths) times"
    }
}

extension Duration {
    /// With two digits or more: "1.2 ms", "38 ms", "0.4 s".
    fileprivate var toldFine: String {
        if self >= .seconds(1) { return told }
        let (value, unit) = self >= .milliseconds(1) ? (seconds * 1e3, "ms") : (seconds * 1e6, "µs")
        let tenths = (value * 10).rounded() / 10
        return value >= 10 || tenths == tenths.rounded() ? "\(Int(saturating: value)) \(unit)" : "\(tenths) \(unit)"
    }
}
