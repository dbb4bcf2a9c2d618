import Common
import Coordination
import Foundation

/// Makes snapshots of a run from what happens in it. Lives on the network thread, and publishes at most four a second.
final class RunMonitor {
    static let interval = Duration.milliseconds(250)
    /// When nothing happens.
    static let idleInterval = Duration.seconds(1)
    private static let keptSteps = 512
    private static let keptEvents = 2000
    /// How long a lost worker that has not come back is a problem.
    private static let lossIsNews = Duration.seconds(300)
    /// Losses that are told of at one time, the last ones.
    private static let keptLosses = 32
    /// Names of which steps are counted, at least as many as there are workers.
    private static let keptTallies = 1024

    let board: SnapshotBoard
    private let timestamp: Timestamp
    private let job: Job
    private let timing: Timing
    private let started: Instant
    private var snapshot: MonitorSnapshot
    private var health: HealthModel
    private var lastPublished: Instant?
    private var isDirty = true
    private var phase: Coordinator.Phase = .gathering(.validate(RoundIndex(0)))
    private var waiting: String?
    private var outcome: Outcome?
    private var before: ConfusionView?
    /// When the work at hand was opened.
    private var opened: Instant
    private var roundOpened: Instant?
    private var trace: StepTrace?
    private var tallies: [String: Tally] = [:]
    private var hellos: [Incarnation: (hello: Hello, joinedAt: Instant)] = [:]
    private var lost: [(name: String, reason: String, at: Instant)] = []
    private var number = 0

    /// A worker's steps, over all of its incarnations.
    private struct Tally {
        var steps = 0
        var waitedFor = 0
        var waited = Duration.zero
    }

    init(_ run: PreparedRun, runID: RunID, epoch: Epoch, at now: Instant) {
        let job = run.job
        self.job = job
        timing = run.timing
        timestamp = Timestamp(now: now)
        started = now
        opened = now
        health = HealthModel(timing: run.timing)
        let time = timestamp(now)
        let order = run.trainCounts.indices.sorted {
            (run.trainCounts[$1], $0) < (run.trainCounts[$0], $1)
        }
        snapshot = MonitorSnapshot(
            facts: .init(order: order, trainCounts: run.trainCounts, headClasses: run.split.head, timestamp: timestamp),
            run: RunStatus(
                sequence: 0, time: time, runID: runID.description, epoch: epoch.rawValue, name: job.name,
                version: Version.current, host: ProcessInfo.processInfo.hostName, processID: getpid(),
                output: job.output, objectiveName: job.objective.name, policy: job.selmix.policy.rawValue,
                seed: job.seed, classes: run.classes, featureDimension: run.dimension, shards: job.cluster.shards,
                batch: job.batch, started: time, state: .waiting, reason: nil, health: .waiting, problems: [],
                round: 0, rounds: job.selmix.rounds, step: 0, steps: job.selmix.steps,
                stepsPerRound: job.selmix.stepsPerRound, elapsedSeconds: 0, workers: [:], stragglers: [],
                checkpoint: .init(), totals: .init()),
            workers: WorkersStatus(sequence: 0, time: time, workers: []))
        board = SnapshotBoard(snapshot)
    }

    /// When the next snapshot is due.
    var nextDue: Instant {
        lastPublished.map { $0 + (isDirty ? Self.interval : Self.idleInterval) } ?? started
    }

    // MARK: What happens

    func happened(_ event: RunEvent, at now: Instant) {
        isDirty = true
        health.happened(event, at: now)
        count(event, at: now)
        switch event {
        case .waiting(let reason): waiting = reason
        case .workerJoined(let name, let incarnation, let hello):
            hellos[incarnation] = (hello, now)
            lost.removeAll { $0.name == name }
        case .workerLost(let name, _, let reason):
            lost.removeAll { $0.name == name || now - $0.at >= Self.lossIsNews }
            lost = lost.suffix(Self.keptLosses - 1) + [(name, reason, now)]
        case .roundStarted:
            if let last = snapshot.rounds.indices.last, let roundOpened {
                snapshot.rounds[last].seconds = (now - roundOpened).seconds
            }
            (opened, roundOpened) = (now, now)
            waiting = nil
        case .selected: opened = now
        case .step(let result):
            if snapshot.steps.count >= 2 * Self.keptSteps { snapshot.steps.removeFirst(Self.keptSteps) }
            snapshot.steps.append(.init(result: result, trace: trace, begin: opened, end: now))
            snapshot.run.loss = result.loss
            tally()
            opened = now
            waiting = nil
        case .finished(let outcome): self.outcome = outcome
        default: break
        }
        note(event, at: now)
    }

    func stepTraced(_ trace: StepTrace) { self.trace = trace }

    func roundEnded(_ result: TrainingEngine.RoundResult, at now: Instant) {
        isDirty = true
        let report = result.report
        snapshot.rounds.append(RoundStatus(report: report, time: timestamp(now)))
        if before == nil { before = result.counts }
        snapshot.pseudoLabelCounts = result.pseudoLabelCounts ?? snapshot.pseudoLabelCounts
        // One at a time: each may hold matrices of K^2 numbers. The last validation brings no selection, and the one before stays.
        let old = snapshot.selection
        snapshot.selection = SelectionView(
            round: report.round, selection: result.selection ?? old?.selection, counts: result.counts,
            before: before ?? result.counts, order: snapshot.facts.order)
    }

    func checkpointed(before round: RoundIndex, error: SelMixError?, at now: Instant) {
        isDirty = true
        if let error {
            snapshot.run.checkpoint.error = error.description
            note(
                .error, "checkpoint-failed", "the checkpoint before round \(round) failed: \(error)",
                round: round.rawValue, at: now)
        } else {
            snapshot.run.checkpoint = .init(round: round.rawValue, time: timestamp(now))
        }
    }

    func rejected(_ rejection: Rejection, count: Int) {
        snapshot.run.totals.rejected = snapshot.run.totals.rejected.addingSaturated(count)
        snapshot.run.rejections.add(rejection, count: count)
    }

    /// Takes up what a checkpoint brought.
    func resumed(from state: CheckpointState?, at now: Instant) {
        snapshot.rounds = (state?.history ?? []).map { RoundStatus(report: $0) }
        if let counts = state?.initialCounts { before = ConfusionView(counts) }
        note(.info, "resumed", "the run goes on from round \(state?.nextRound.rawValue ?? 0)", at: now)
    }

    private func tally() {
        guard let trace else { return }
        for name in trace.contributors.keys { tallies[name, default: Tally()].steps += 1 }
        if trace.contributors.count > 1 {
            tallies[trace.waitedFor, default: Tally()].waitedFor += 1
            tallies[trace.waitedFor, default: Tally()].waited += trace.waited
        }
        self.trace = nil
    }

    private func count(_ event: RunEvent, at now: Instant) {
        switch event {
        case .workerJoined: snapshot.run.totals.joined += 1
        case .workerLost: snapshot.run.totals.lost += 1
        case .workerLeft: snapshot.run.totals.left += 1
        case .workerRefused: snapshot.run.totals.refused += 1
        case .moved(let shards, _, _): snapshot.run.totals.moved += shards.count
        case .copied(let shards, _, _, _): snapshot.run.totals.copied += shards.count
        case .repeated: snapshot.run.totals.repeated += 1
        case .dropped: snapshot.run.totals.dropped += 1
        default: break
        }
    }

    // MARK: Events

    private func note(_ event: RunEvent, at now: Instant) {
        var worker: String?
        var level = EventStatus.Level.info
        switch event {
        // These are told with the rounds, and would push everything else out.
        case .step, .roundStarted, .selected: return
        case .workerJoined(let name, _, _), .workerReady(let name, _), .workerLeft(let name, _),
            .workerDraining(let name, _, _):
            worker = name
        case .workerLost(let name, _, _): (worker, level) = (name, .error)
        case .workerRefused(let name, _, _), .workerFarSlower(let name, _, _): (worker, level) = (name, .warning)
        case .quarantined(let quarantine): (worker, level) = (quarantine.worker, .error)
        case .recomputing: break
        // It was asked for, so that it is not so needs a look.
        case .reduction(let members, _): if members.isEmpty { level = .warning }
        case .moved(_, _, let name), .repeated(_, let name), .dropped(_, let name, _): worker = name
        case .copied(_, _, let straggler, _): worker = straggler
        case .waiting: level = .warning
        case .finished(let outcome):
            if case .failed = outcome { level = .error }
        case .started: break
        }
        note(level, event.name, event.description, worker: worker, at: now)
    }

    private func note(
        _ level: EventStatus.Level, _ name: String, _ message: String, worker: String? = nil, round: Int? = nil,
        at now: Instant
    ) {
        number += 1
        if snapshot.events.count >= 2 * Self.keptEvents { snapshot.events.removeFirst(Self.keptEvents) }
        snapshot.events.append(
            EventStatus(
                number: number, time: timestamp(now), level: level, event: name, message: message, worker: worker,
                round: round, step: snapshot.run.step))
    }

    // MARK: Snapshots

    /// - Parameter workers: those that take part; asked for only when a snapshot is due.
    func publish(
        _ workers: () -> [WorkerObservation], phase: Coordinator.Phase, progress: RunProgress, at now: Instant
    ) {
        guard now >= nextDue || outcome != nil else { return }
        self.phase = phase
        let workers = workers()
        if outcome == nil { health.update(workers, at: now) }
        snapshot.sequence += 1
        tell(workers, at: now)
        tell(progress, at: now)
        lastPublished = now
        isDirty = false
        board.put(snapshot)
    }

    private func tell(_ workers: [WorkerObservation], at now: Instant) {
        let here = workers.compactMap { worker in health[worker.incarnation].map { status(worker, $0, at: now) } }
        let gone = health.gone.map { status($0) }
        snapshot.workers = WorkersStatus(
            sequence: snapshot.sequence, time: timestamp(now), medianShardSeconds: health.medianShardTime?.seconds,
            workers: here + gone)
        if tallies.count > here.count + Self.keptTallies {
            let known = Set((here + gone).map(\.name))
            tallies = tallies.filter { known.contains($0.key) }
        }
        // Nobody asks for the hello of a worker that is not told of any more.
        if hellos.count > here.count + HealthModel.kept {
            let known = Set(workers.map(\.incarnation) + health.gone.map(\.incarnation))
            hellos = hellos.filter { known.contains($0.key) }
        }
    }

    private func status(_ health: WorkerHealth) -> WorkerStatus {
        let tally = tallies[health.name] ?? Tally()
        let known = hellos[health.incarnation]
        return WorkerStatus(
            name: health.name, incarnation: health.incarnation.description, state: health.state,
            reason: health.reason, since: timestamp(health.since), host: known?.hello.host,
            processID: known?.hello.processID, version: known?.hello.version,
            instructionSet: known?.hello.instructionSet, joined: known.map { timestamp($0.joinedAt) },
            shardSeconds: health.shardTime?.seconds, stragglerScore: health.stragglerScore, steps: tally.steps,
            waitedFor: tally.waitedFor, waitedForSeconds: tally.waited.seconds)
    }

    private func status(_ worker: WorkerObservation, _ health: WorkerHealth, at now: Instant) -> WorkerStatus {
        var status = status(health)
        status.silentSeconds = (now - worker.lastHeard).seconds
        status.work = worker.held?.work.description
        status.workSeconds = worker.held.map { (now - $0.since).seconds }
        status.shardsHeld = (worker.held?.shards ?? []).map(\.rawValue)
        status.telemetry = worker.telemetry.map { .init($0) }
        status.selfTest = worker.selfTest.map { .init($0, problems: worker.problems) }
        return status
    }

    private func tell(_ progress: RunProgress, at now: Instant) {
        var run = snapshot.run
        (run.sequence, run.time) = (snapshot.sequence, timestamp(now))
        (run.state, run.reason) = state
        run.round = progress.round
        run.step = progress.stepsDone
        (run.objective, run.objectiveBefore, run.objectiveBest) = (progress.current, progress.initial, progress.best)
        run.bestRound = snapshot.rounds.map(\.report).max { $0.objective < $1.objective }?.round
        run.samplesPerSecond = progress.samplesPerSecond(at: now).unlessZero
        run.stepsPerSecond = run.samplesPerSecond.map { $0 / Double(job.batch) }
        run.elapsedSeconds = (now - started).seconds
        run.leftSeconds = progress.remaining(at: now)?.seconds
        var counts = Dictionary(uniqueKeysWithValues: WorkerState.allCases.map { ($0.rawValue, 0) })
        for worker in snapshot.workers.workers { counts[worker.state.rawValue, default: 0] += 1 }
        run.workers = counts
        run.stragglers = snapshot.workers.workers.filter { $0.state == .slow }.map(\.name)
        run.outputFreeBytes = board.outputFreeBytes
        run.memoryBytes = ProcessMemory.residentBytes
        (run.health, run.problems) = judge(run, at: now)
        snapshot.run = run
    }

    private var state: (RunStatus.State, String?) {
        switch outcome {
        case .finished: return (.finished, nil)
        case .interrupted(let reason): return (.interrupted, reason)
        case .failed(let error): return (.failed, error.description)
        case nil: break
        }
        switch phase {
        case .gathering: return (.waiting, waiting ?? "no worker is ready")
        case .working(.validate): return (.validating, waiting)
        case .computing(.validate): return (.selecting, nil)
        case .working(.train), .computing(.train): return (.training, waiting)
        case .concluding: return (.selecting, "the results are written")
        case .over: return (.finished, nil)
        }
    }

    private func judge(_ run: RunStatus, at now: Instant) -> (RunStatus.Health, [String]) {
        if run.state == .failed { return (.failed, [run.reason ?? ""]) }
        if run.state.isOver { return (.over, []) }
        var problems: [String] = []
        if let error = run.checkpoint.error { problems.append("the last checkpoint could not be written: \(error)") }
        if let free = run.outputFreeBytes, free < 64 << 20 {
            problems.append("the disk of \(run.output) has \(free >> 20) MiB left")
        }
        problems += snapshot.workers.workers.filter {
            $0.state.isHere && $0.state.isTrouble || $0.state == .quarantined
        }
        .map { "\($0.name) is \($0.state.rawValue): \($0.reason)" }
        problems += lost.filter { now - $0.at < Self.lossIsNews }.map { "\($0.name) was lost: \($0.reason)" }
        problems += snapshot.workers.workers.filter { $0.state.isHere }.flatMap { worker in
            (worker.selfTest?.problems ?? []).map { "\(worker.name): \($0)" }
        }
        if run.state == .waiting { return (.waiting, [run.reason ?? ""] + problems) }
        return (problems.isEmpty ? .healthy : .degraded, problems)
    }
}
