import Common
import Coordination

// Which ends are proper: of the run, and of each worker.

extension Cluster {
    /// When a run that has not ended is given up as stuck, or when a run that has ended has been watched for long enough.
    var lastMoment: Instant {
        guard let endedAt else { return plan.end + patienceOfTheSimulator }
        // Long enough to see workers leave that nobody could tell.
        let watch = settings.isPatient ? settings.timing.failureTimeout : settings.timing.orphanTimeout
        return max(endedAt, plan.end, lastWord) + watch + settings.timing.failureTimeout * 2
    }

    /// Far longer than any chain of time-outs: recovery may take a few times ten turnarounds, each as long as a fault.
    private var patienceOfTheSimulator: Duration { (plan.end - .origin) * 100 + settings.timing.failureTimeout * 2000 }

    func checkEnd() throws(Violation) {
        guard let outcome else {
            let state = coordinator.map { "\($0.core.phase)" } ?? "no coordinator"
            throw Violation("no progress: faults ended at \(plan.end.told), and at \(now.told) the state is \(state)")
        }
        let recovery = max(.zero, endedAt! - plan.end).seconds / settings.timing.failureTimeout.seconds
        statistics.note(outcome, recovery: recovery, seed: seed)
        switch outcome {
        case .finished:
            try counting.checkFinished()
            try disk.log.check(upTo: counting.lastStep)
        case .interrupted(let reason):
            guard reason == stopReason else { throw Violation("interrupted, but nobody asked: \(reason)") }
        case .failed(let error) where error.code == .cluster:
            guard workersGoneTold || membership.mayGiveUp else { throw Violation("gave up without cause: \(error)") }
        case .failed(let error)
        where settings.audit.fraction < 1 && liars.contains { error.message.contains("\($0) ") }:
            guard error.message.contains("differently") else { throw Violation("failed without cause: \(error)") }
        case .failed(let error):
            guard error == brokenDisk else { throw Violation("failed without cause: \(error)") }
        }
        guard !settings.isPatient else { return }
        for worker in workers where worker.isRunning {
            throw Violation(
                "\(told(worker.session.incarnation)) still runs long after the end: \(worker.session.phase)")
        }
    }

    /// Nobody is given work who asked to leave, once that can have been heard.
    func checkStay(of life: Incarnation) throws(Violation) {
        guard let settledAt, let process = owners[life], let asked = workers[process.index].stopRequestedAt
        else { return }
        if now > max(asked, settledAt) + settings.timing.failureTimeout * 3 {
            throw Violation("\(workers[process.index].name) asked to leave at \(asked.told) and is given more work")
        }
    }

    /// Who has had no word for the orphan time-out leaves.
    func checkOrphan(_ worker: WorkerProcess) throws(Violation) {
        let slack = settings.timing.failureTimeout
        guard worker.isRunning, now > worker.lastWord + settings.timing.orphanTimeout + slack,
            now > worker.pausedUntil + slack
        else { return }
        throw Violation("\(worker.name) has had no word since \(worker.lastWord.told) and stays")
    }

    /// Once faults are over, who knocks is let in.
    func checkAdmission(_ worker: WorkerProcess) throws(Violation) {
        let recently = now - settings.timing.failureTimeout * 5
        guard worker.isUseful, worker.session.phase == .greeting, coordinator != nil, let settledAt,
            recently > max(settledAt, worker.lastConnected),
            !workers.contains(where: { $0.id != worker.id && $0.name == worker.name && $0.endedAt ?? now > recently })
        else { return }
        throw Violation("\(worker.name) has been knocking since \(worker.lastConnected.told) and is not let in")
    }

    /// Where nothing goes wrong, nothing has to be put right.
    func checkSerenity(_ event: RunEvent) throws(Violation) {
        guard settings.isSerene else { return }
        switch event {
        // A node that a slow worker is to audit is computed by the coordinator, too.
        case .copied, .recomputing: sawCopies = true
        // The slower of two copies comes late, or in larger nodes than the other.
        case .dropped where sawCopies: break
        case .reduction(members: [], let reason) where !Self.isNoFailure(reason):
            throw Violation("without any fault: \(event)")
        // It was told to leave while it was loading.
        case .workerLost(_, let life, _) where owners[life].map { workers[$0.index].stopRequested } ?? false: break
        case .workerLost, .workerRefused, .moved, .repeated, .dropped: throw Violation("without any fault: \(event)")
        default: break
        }
    }

    /// Once faults are over, a group sums the steps that begin then.
    func checkGroups(_ event: RunEvent) throws(Violation) {
        guard case .reduction(members: [], let reason) = event, let settledAt, lastTurn > settledAt, liars.isEmpty,
            reason.hasPrefix("no sums") || reason.hasPrefix("piece")
        else { return }
        throw Violation("long after the faults: \(event)")
    }

    /// Why there is no group although nothing went wrong.
    private static func isNoFailure(_ reason: String) -> Bool {
        reason.hasPrefix("a group needs") || reason.hasPrefix("other workers cannot reach")
            || reason.hasPrefix("tried for") || reason.hasPrefix("it is faster")
    }

    func checkExit(of worker: WorkerProcess, _ exit: WorkerExit) throws(Violation) {
        switch exit {
        case .released("the run is done"):
            guard hasResults else { throw Violation("\(worker.name) was let go before the results were written") }
        case .released(let reason):
            guard wasEnding || worker.stopRequested else { throw Violation("\(worker.name) was let go: \(reason)") }
        case .failed(let error):
            let orphaned = now >= worker.lastWord + settings.timing.orphanTimeout
            guard orphaned || worker.stranger != nil || quarantined[worker.name] != nil else {
                throw Violation("\(worker.name) gave up: \(error)")
            }
        }
    }
}
