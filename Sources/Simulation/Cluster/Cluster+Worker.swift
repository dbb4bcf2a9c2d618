import Common
import Coordination

// The worker processes: what production does in WorkerShell.

extension Cluster {
    @discardableResult
    func startWorker(name: String, stranger: Stranger? = nil) throws(Violation) -> ProcessID {
        let id = ProcessID(index: workers.count)
        let session = WorkerSession(
            settings.worker(name: name, process: id, stranger: stranger, seed: workerDice.next()))
        let isReachable = !workerDice.chance(settings.isolation)
        workers.append(
            WorkerProcess(
                id: id, name: name, stranger: stranger, session: session, pace: workerDice.pick([1, 1, 2, 3]),
                address: isReachable ? "process \(id.index)" : "", shards: model.shards, at: now))
        workers[id.index].isQuarantined = quarantined[name] != nil
        network.addLinks()
        lastWord = now
        trace.line(now) { "process \(id.index) starts as worker \(name)\(stranger.map { " (\($0.rawValue))" } ?? "")" }
        try tell(id, .started)
        return id
    }

    func killWorker(_ id: ProcessID) {
        trace.line(now) { "\(told(workers[id.index].session.incarnation)) dies" }
        workers[id.index].end(.killed, at: now)
    }

    // MARK: Events

    func deliver(_ letter: CoordinatorLetter, to id: ProcessID) throws(Violation) {
        guard workers[id.index].isRunning, letter.header.incarnation == workers[id.index].session.incarnation,
            try take(letter, id)
        else { return }
        trace.line(now, routine: letter.message.isRoutine) {
            "\(told(letter.header.incarnation)) <- coordinator: \(letter.message)"
        }
        if letter.message.counts, letter.header.epoch >= workers[id.index].session.header.epoch {
            workers[id.index].lastWord = now
            lastWord = now
        }
        try tell(id, .received(letter.message, letter.header))
        try deliverWaiting(id)
    }

    /// Keeps what came beside a message.
    ///
    /// - Returns: false when the shell would not pass the message on.
    private func take(_ letter: CoordinatorLetter, _ id: ProcessID) throws(Violation) -> Bool {
        switch (letter.message, letter.tensors) {
        case (.weightsPiece(let version, let index), .piece(let piece)):
            guard workers[id.index].isLoaded else { return false }
            workers[id.index].exchange.add(piece, index, of: version)
            passOn(piece, index, of: version, from: id)
            return true
        case (.weights(let version, let digest, _, let earlier), _):
            guard workers[id.index].isLoaded, let heads = weights(version, after: earlier, letter, id) else {
                return false
            }
            let included = model.turns.trained(after: earlier, upTo: version)
            guard model.digest(of: included.map { heads[$0] }) == digest else {
                throw Violation("\(workers[id.index].name) has weights \(version) that are not the announced ones")
            }
            if version != workers[id.index].weights?.version { workers[id.index].exchange.forgetAnswers() }
            workers[id.index].formerWeights = workers[id.index].weights?.heads
            workers[id.index].weights = (version, heads)
            return true
        case (.assign(let assignment), let tensors):
            guard workers[id.index].isLoaded else { return false }
            if assignment.weights != workers[id.index].weights?.version,
                assignment.weights == workers[id.index].exchange.waiting?.version
            {
                workers[id.index].exchange.putAside(letter)
                return false
            }
            workers[id.index].exchange.note(assignment)
            if case .plan(let plan) = tensors { workers[id.index].plans[assignment.number] = plan }
            return true
        default:
            return true
        }
    }

    func workerAlarm(_ id: ProcessID) throws(Violation) {
        guard workers[id.index].isRunning, let alarm = workers[id.index].alarm, alarm <= now else { return }
        workers[id.index].alarm = nil
        if let deadline = workers[id.index].session.nextDeadline, now >= deadline {
            try tell(id, .tick(blocks: workers[id.index].blocks))
            try checkOrphan(workers[id.index])
            try checkAdmission(workers[id.index])
            if let next = workers[id.index].session.nextDeadline, next <= now {
                throw Violation("\(workers[id.index].name)'s next deadline is not after its tick: it would spin")
            }
        } else {
            setAlarm(id)
        }
    }

    func loaded(_ id: ProcessID) throws(Violation) {
        guard workers[id.index].isRunning else { return }
        workers[id.index].isLoaded = true
        let rounding = workers[id.index].stranger == .otherRounding ? Digest(rawValue: 0xBAD) : Settings.probe
        try tell(id, .listening(peerAddress: workers[id.index].address))
        if workers[id.index].isRunning { try tell(id, .loaded(probe: rounding)) }
    }

    /// Hands an event to the session and carries out what it decides.
    func tell(_ id: ProcessID, _ event: WorkerEvent) throws(Violation) {
        let directives = workers[id.index].session.step(event, at: now)
        let survives = isCalm || !faultDice.chance(plan.crashChance)
        let done = survives ? directives.count : faultDice.whole(0...directives.count)
        for directive in directives.prefix(done) { try perform(directive, id) }
        guard workers[id.index].isRunning else { return }
        if survives {
            setAlarm(id)
        } else {
            statistics.count(.workerCrashWithinStep)
            killWorker(id)
            comeBack(workers[id.index].name, .sameName(after: settings.timing.failureTimeout))
        }
    }

    private func setAlarm(_ id: ProcessID) {
        guard let deadline = workers[id.index].session.nextDeadline else { return }
        if let alarm = workers[id.index].alarm, alarm <= deadline { return }
        let time = max(deadline, now)
        workers[id.index].alarm = time
        queue.schedule(.workerAlarm(id), at: time, lane: .alarm)
    }

    // MARK: Directives

    private func perform(_ directive: WorkerDirective, _ id: ProcessID) throws(Violation) {
        switch directive {
        case .connect(let incarnation):
            guard !workers[id.index].stopRequested else {
                throw Violation("\(workers[id.index].name) was told to leave and comes back as a new life")
            }
            owners[incarnation] = id
            workers[id.index].lastConnected = now
            network.reconnect(id)
        case .send(let message):
            try send(message, .none, from: id, over: .control)
        case .sendContribution(let contribution):
            try sendContribution(contribution, from: id)
        case .handIn(let assignment):
            try handIn(assignment, from: id)
        case .load:
            schedule(.loaded(id), after: settings.loadTime * disk.slowness)
        case .compute(let assignment):
            try compute(assignment, on: id)
        case .reset:
            workers[id.index].generation += 1
            workers[id.index].weights = nil
            workers[id.index].plans = [:]
            workers[id.index].exchange = GroupExchange(shards: model.shards)
        case .exit(let exit):
            trace.line(now) { "\(told(workers[id.index].session.incarnation)) exits: \(exit.told)" }
            workers[id.index].end(.exited(exit), at: now)
            try checkExit(of: workers[id.index], exit)
        }
    }

    func send(
        _ message: WorkerMessage, _ tensors: Tensors, from id: ProcessID, over channel: Channel
    ) throws(Violation) {
        let worker = workers[id.index]
        var header = worker.session.header
        if worker.stranger == .otherProtocol { header.protocolVersion += 1 }
        if worker.stranger == .otherRun { header.runID = RunID(high: 0x5E1, low: 0x2) }
        var message = message
        if canary == .forgetfulHeartbeats, case .heartbeat(var heartbeat) = message {
            heartbeat.holding = []
            message = .heartbeat(heartbeat)
        }
        send(
            WorkerLetter(
                message: message, header: header, tensors: tensors, sender: worker.session.incarnation,
                epoch: worker.session.header.epoch),
            from: id, over: channel)
    }
}
