import Common
import Coordination

// Faults as they strike, and their end.

extension Cluster {
    func strike(_ fault: Fault) throws(Violation) {
        trace.line(now) { "FAULT \(fault)" }
        switch fault {
        case .crashWorker(let comeback):
            guard let id = victim() else { return }
            statistics.count(.workerCrash)
            try crash(id, comeback)
        case .crashAllWorkers(let comeback):
            statistics.count(.massCrash)
            for worker in workers where worker.isRunning { try crash(worker.id, comeback) }
        case .pauseWorker(let duration):
            let end = end(of: duration)
            guard let id = victim() else { return }
            statistics.count(.workerPause)
            workers[id.index].pausedUntil = max(workers[id.index].pausedUntil, end)
        case .slowWorker(let factor, let duration):
            let end = end(of: duration)
            guard let id = victim() else { return }
            statistics.count(.slowWorker)
            workers[id.index].slowness = factor
            schedule(.speedUp(id), at: end)
        case .corruptWorker(let fraction):
            guard let id = victim() else { return }
            workers[id.index].lies = fraction
        case .drainWorker(let comeback):
            guard let id = victim() else { return }
            statistics.count(.drain)
            workers[id.index].stopRequestedAt = now
            try tell(id, .stopRequested(reason: "told to"))
            comeBack(workers[id.index].name, comeback)
        case .addWorker:
            statistics.count(.lateWorker)
            try startWorker(name: freshName)
        case .addStranger(let stranger):
            statistics.count(.stranger)
            try startWorker(name: freshName, stranger: stranger)
        case .addNamesake:
            guard let id = victim() else { return }
            statistics.count(.namesake)
            try startWorker(name: workers[id.index].name)
        case .crashCoordinator(let delay):
            guard coordinator != nil else { return }
            statistics.count(.coordinatorCrash)
            crashCoordinator(restartAfter: delay)
        case .pauseCoordinator(let duration):
            let end = end(of: duration)
            guard let current = coordinator else { return }
            statistics.count(.coordinatorPause)
            coordinator!.pausedUntil = max(current.pausedUntil, end)
        case .slowDisk(let factor, let duration):
            let end = end(of: duration)
            statistics.count(.slowDisk)
            disk.slowness = factor
            schedule(.healDisk, at: end)
        case .partition(let partition, let holding, let duration):
            let end = end(of: duration)
            guard let links = links(of: partition) else { return }
            network.cut(links, holding: holding)
            schedule(.mend(links), at: end)
        case .clog(let delay, let duration):
            let end = end(of: duration)
            guard let id = victim() else { return }
            statistics.count(.clog)
            let all = links(of: id)
            let links = faultDice.chance(0.5) ? all : [faultDice.pick(all)]
            network.clog(links, delay: delay)
            schedule(.unclog(links), at: end)
        case .slowLink(let delay):
            guard let id = victim() else { return }
            statistics.count(.slowLink)
            // Workers that start later may have a faster one to it; then the slow ones are the others.
            let links = links(of: id).filter(\.isBulk)
            network.clog(links, delay: delay)
            schedule(.unclog(links), at: plan.end)
        case .replay(let count):
            for _ in 0..<count where !archive.isEmpty {
                statistics.count(.letterReplayed)
                schedule(faultDice.pick(archive), after: faultDice.duration(.zero, settings.timing.failureTimeout))
            }
        case .stopRun:
            guard coordinator != nil else { return }
            statistics.count(.stop)
            stopReason = "a person asked"
            try tell(.stopRequested(reason: "a person asked"))
        case .breakDisk:
            guard coordinator != nil else { return }
            statistics.count(.brokenDisk)
            let error = SelMixError(.failed, "the disk is full")
            brokenDisk = error
            try tell(.shellFailed(error))
        }
    }

    /// Faults are over: everything works again, and, where the run has to finish, there are workers enough for it.
    func calmDown() throws(Violation) {
        isCalm = true
        settledAt = max(now, network.latestArrival)
        trace.line(now) { "CALM: no more faults" }
        network.conditions = .calm(failureTimeout: settings.timing.failureTimeout)
        disk.slowness = 1
        for index in workers.indices { (workers[index].slowness, workers[index].lies) = (1, 0) }
        guard outcome == nil else { return }
        if coordinator == nil { try startCoordinator() }
        try topUp()
    }

    /// Starts workers until there are enough for a run that has to finish. That can be needed again when a coordinator has
    /// let its workers go and died before it was over.
    func topUp() throws(Violation) {
        guard outcome == nil, settings.isPatient, !workersGoneTold else { return }
        if wasEnding { schedule(.topUp, after: settings.timing.failureTimeout) }
        var names = Set(workers.filter(\.isUseful).map(\.name))
        while names.count < settings.minWorkers {
            let name = freshName
            names.insert(name)
            try startWorker(name: name)
        }
    }

    /// The launcher of a local run sees its processes end, and knows whether it will start another.
    func launcherLooks() throws(Violation) {
        guard outcome == nil else { return }
        if coordinator != nil, startsPending == 0, workers.allSatisfy({ !$0.isRunning }),
            !(settings.isPatient && !isCalm)
        {
            workersGoneTold = true
            try tell(.workersGone(reason: "all have ended"))
        }
        schedule(.launcherLooks, after: settings.timing.failureTimeout)
    }

    func comeBack(_ name: String, _ comeback: Comeback) {
        switch comeback {
        case .never: break
        case .sameName(let delay):
            startsPending += 1
            schedule(.startWorker(name: name), after: delay)
        case .newName(let delay):
            startsPending += 1
            schedule(.startWorker(name: freshName), after: delay)
        }
    }

    private func crash(_ id: ProcessID, _ comeback: Comeback) throws(Violation) {
        killWorker(id)
        // A launcher sees its own processes end, and their names are its own; others' ends nobody sees.
        let name = workers[id.index].name
        if coordinator != nil, !workers.contains(where: { $0.isRunning && $0.name == name }), faultDice.chance(0.3) {
            statistics.count(.endSeen)
            try tell(.workerEnded(name, WorkerEnd(.signaled(9))))
        }
        if workers[id.index].stranger == nil { comeBack(workers[id.index].name, comeback) }
    }

    /// When a lasting fault ends: at the latest with all others.
    private func end(of duration: Duration) -> Instant { min(now + duration, plan.end) }

    /// A name that no process has or will have.
    private var freshName: String {
        namesGiven += 1
        return "x\(namesGiven)"
    }

    private func victim(besides other: ProcessID? = nil) -> ProcessID? {
        let running = workers.filter { $0.isRunning && $0.stranger == nil && $0.id != other }
        guard !running.isEmpty else { return nil }
        let worker = faultDice.pick(running)
        trace.line(now) { "      strikes \(told(worker.session.incarnation))" }
        return worker.id
    }

    private func links(of partition: Partition) -> [LinkID]? {
        if partition == .coordinator {
            statistics.count(.partition)
            return workers.filter(\.isRunning).flatMap { LinkID.all(of: $0.id) }
        }
        guard let id = victim() else { return nil }
        let all = links(of: id)
        let cut: [LinkID]
        switch partition {
        case .worker, .coordinator: cut = all
        case .deaf: cut = all.filter { !$0.isFrom(id) }
        case .mute: cut = all.filter { $0.isFrom(id) }
        case .singleLink: cut = [faultDice.pick(LinkID.all(of: id))]
        case .peers, .deafPeer:
            guard let peer = victim(besides: id) else { return nil }
            cut = partition == .peers ? LinkID.all(between: id, and: peer) : [.peer(from: peer, to: id)]
        }
        statistics.count(
            partition.isBetweenWorkers ? .peerPartition : partition == .worker ? .partition : .oneWayPartition)
        return cut
    }

    /// All links of a process: to the coordinator, and to the other workers that there are.
    private func links(of id: ProcessID) -> [LinkID] {
        guard model.pieces > 0 else { return LinkID.all(of: id) }
        let peers = workers.filter { $0.isRunning && $0.id != id }
        return LinkID.all(of: id) + peers.flatMap { LinkID.all(between: id, and: $0.id) }
    }
}
