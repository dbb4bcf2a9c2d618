import Common
import Coordination
import Foundation
import SelMix

/// Writes down and shows what happens in a run: event log, TensorBoard file, progress, and the figures of the report.
final class RunRecorder: RunObserver {
    private(set) var progress: RunProgress
    private(set) var rejections = RejectionCounts()
    private let log: EventLog
    /// Nil: none is wanted.
    var tensorBoard: TensorBoardLog?
    /// Of the step that is told next.
    private var trace: StepTrace?
    private let display: ProgressDisplay
    /// Whether waiting for the first workers is worth a line: not where they are started in the same breath.
    private let tellsWaiting: Bool
    /// Called when the event log cannot be written, or a repeated step differs from it.
    var onFailure: ((SelMixError) -> Void)?

    private let monitor: RunMonitor

    init(
        job: Job, log: EventLog, display: ProgressDisplay, tellsWaiting: Bool, monitor: RunMonitor
    ) {
        self.monitor = monitor
        self.tellsWaiting = tellsWaiting
        progress = RunProgress(job: job, at: SystemClock.now)
        self.log = log
        self.display = display
    }

    func happened(_ event: RunEvent) {
        let now = SystemClock.now
        progress.update(event, at: now)
        monitor.happened(event, at: now)
        check(log.append(event, trace: trace, at: Date()))
        if case .step(let result) = event {
            trace = nil
            warn(tensorBoard?.append(loss: result.loss, step: result.step.rawValue, at: Date()))
        }
        if let line = notice(event) { display.note(line, progress, at: now) }
        display.show(progress, at: now)
    }

    func stepTraced(_ trace: StepTrace) {
        self.trace = trace
        monitor.stepTraced(trace)
    }

    func roundEnded(_ result: TrainingEngine.RoundResult) {
        let report = result.report
        progress.update(report)
        monitor.roundEnded(result, at: SystemClock.now)
        check(log.append(round: report, at: Date()))
        warn(tensorBoard?.append(report, recalls: result.metrics.perClassRecall, at: Date()))
        display.roundEnded(progress, at: SystemClock.now)
    }

    func rejected(_ rejection: Rejection, count: Int) {
        rejections.add(rejection, count: count)
        monitor.rejected(rejection, count: count)
    }

    var nextTurn: Instant { monitor.nextDue }

    func turned(_ coordinator: Coordinator) {
        let now = SystemClock.now
        guard now >= monitor.nextDue || coordinator.isOver else { return }
        monitor.publish({ coordinator.observations }, phase: coordinator.phase, progress: progress, at: now)
    }

    func checkpointed(before round: RoundIndex, error: SelMixError?) {
        monitor.checkpointed(before: round, error: error, at: SystemClock.now)
        let name = error == nil ? "checkpoint" : "checkpoint-failed"
        check(log.append(EventLine(name: name, time: Date(), reason: error?.description, round: round.rawValue)))
        warn(error)
    }

    /// Takes up a run where a checkpoint left it.
    func resume(from state: CheckpointState?, refused: [SelMixError], quarantined: [QuarantinedWorker]) {
        progress.resume(from: state?.nextRound.rawValue ?? 0, quarantined: quarantined)
        for error in refused {
            check(log.append(EventLine(name: "checkpoint-refused", time: Date(), reason: error.description)))
            display.note("warning: \(error); an earlier one is used", progress, at: SystemClock.now)
        }
        let round = state?.nextRound.rawValue ?? 0
        check(log.append(EventLine(name: "resumed", time: Date(), round: round)))
        for report in state?.history ?? [] { progress.update(report) }
        monitor.resumed(from: state, at: SystemClock.now)
        display.note("resuming from round \(round)", progress, at: SystemClock.now)
    }

    private func warn(_ failure: SelMixError?) {
        if let failure { display.note("warning: \(failure); the run goes on", progress, at: SystemClock.now) }
    }

    private func check(_ failure: SelMixError?) {
        if let failure { onFailure?(failure) }
    }

    /// What a person who watches should be told at once.
    private func notice(_ event: RunEvent) -> String? {
        switch event {
        case .waiting(let reason) where tellsWaiting || progress.hasBegun: "waiting: \(reason)"
        case .workerLost(_, _, "quarantined"): nil
        case .workerLost(let name, _, let reason): "lost worker \(name): \(reason)"
        case .workerRefused(_, _, let reason): "refused: \(reason)"
        case .workerFarSlower(_, _, let reason): "warning: \(reason)"
        case .workerDraining(let name, _, let reason): "worker \(name) is leaving: \(reason)"
        case .quarantined(let quarantine):
            "warning: quarantined worker \(quarantine.worker) (\(quarantine.host)): \(quarantine.reason)"
        case .workerReady(let name, _) where progress.hasBegun: "worker \(name) joined"
        case .moved(let shards, let work, let name):
            "\(shards.count) shard\(shards.count == 1 ? "" : "s") of \(work) moved to \(name)"
        case .copied(let shards, _, let straggler, let name):
            "\(straggler) is slow: \(shards.count) shard\(shards.count == 1 ? "" : "s") computed by \(name) too"
        case .dropped(let contribution, let name, let reason)
        where reason.hasPrefix("weights") || reason.hasPrefix("selection") || reason.hasPrefix("no node"):
            "dropped \(contribution.node) of \(contribution.work) from \(name): \(reason)"
        default: nil
        }
    }
}
