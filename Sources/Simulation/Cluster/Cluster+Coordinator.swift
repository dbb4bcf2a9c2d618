import Common
import Coordination

// The coordinating process: what production does in CoordinatorShell and TrainingEngine.

extension Cluster {
    func startCoordinator() throws(Violation) {
        guard !hasResults else {
            // Production says that the run is finished, and leaves.
            outcome = .finished
            endedAt = now
            return
        }
        epochs += 1
        let (start, loss) = try disk.restore()
        if loss == .torn { statistics.count(.checkpointTorn) }
        let epoch = Epoch(rawValue: epochs)
        coordinator = CoordinatorProcess(
            settings.coordinator(epoch: epoch, firstRound: start.round, quarantined: quarantined), from: restored(start)
        )
        counting.restart(at: start.round)
        membership.restart(at: now, needing: max(1, settings.minWorkers - quarantined.count))
        traffic.restart()
        lastTurn = now
        trace.line(now) { "coordinator starts, epoch \(epoch), round \(start.round)" }
        try tell(.started)
        let letters = waiting
        waiting = []
        for letter in letters { schedule(letter, after: .zero) }
    }

    /// The process is gone at this instant, with everything it had not written.
    func crashCoordinator(restartAfter delay: Duration) {
        guard let dying = coordinator else { return }
        formerState = dying.state
        coordinator = nil
        if disk.crash(at: now) == .unsynced { statistics.count(.checkpointLost) }
        trace.line(now) { "coordinator dies" }
        schedule(.startCoordinator, after: delay)
    }

    // MARK: Events

    func deliver(_ letter: WorkerLetter, from process: ProcessID) throws(Violation) {
        guard outcome == nil else { return }
        guard coordinator != nil else {
            if network.conditions.keepsForRestart { waiting.append(.toCoordinator(letter, from: process)) }
            return
        }
        var letter = letter
        guard hasAnnouncedDigest(letter) else {
            throw Violation("\(told(letter.sender)) sent tensors that do not have the announced digest")
        }
        if case .contribution(let contribution) = letter.message {
            if canary == .rubberStamp { letter.message = .contribution(stamped(contribution)) }
            if canary == .earlierLife { letter = ofPresentLife(letter, contribution, of: process) }
        }
        trace.line(now, routine: letter.message.isRoutine) {
            "coordinator <- \(told(letter.sender)): \(letter.message)"
        }
        try traffic.heard(letter.message)
        if canary == .unaskedSums { try keepUnasked(letter) }
        try tell(.received(letter.message, letter.header), letter)
        if canary == .resendStorm, case .heartbeat = letter.message { try resendEverything() }
    }

    func coordinatorAlarm() throws(Violation) {
        guard let alarm = coordinator?.alarm, alarm <= now, canary != .deafToTime else { return }
        coordinator!.alarm = nil
        if let deadline = coordinator!.core.nextDeadline, now >= deadline { try tell(.tick) } else { setAlarm() }
    }

    func reduced(
        _ work: Work, _ kept: KeptContributions, _ sums: [Int: Model.Parameters], isLast: Bool
    ) throws(Violation) {
        lastTurn = now
        let inOrder = canary != .arrivalOrder
        let sum = inOrder ? kept.sum(shards: model.shards) : kept.sumInOrderOfArrival()
        switch (work, sum) {
        case (.validate(let round), .validation(let sums)):
            guard let selection = coordinator!.state.select(round, sums, isLast: isLast, model) else {
                throw Violation("a selection for round \(round) without class feature sums")
            }
            try counting.selected(selection)
            try tell(.selected(selection))
        case (.train(let step), .gradient(let sum)):
            // There are sums only if the coordinator forgot to drop them.
            let gradient = sums.isEmpty ? sum.gradient : model.assembled(sums)
            try apply(step, GradientSum(gradient: gradient, loss: sum.loss), summed: Set(sums.keys))
        case (.train(let step), .loss(let loss)):
            try apply(step, GradientSum(gradient: model.assembled(sums), loss: loss), summed: Set(sums.keys))
        default:
            preconditionFailure("\(work) gave \(sum)")
        }
    }

    private func apply(_ step: StepIndex, _ sum: GradientSum, summed: Set<Int>) throws(Violation) {
        let result = coordinator!.state.apply(step, sum, model)
        try counting.stepped(result, summed: summed)
        if canary == .eagerCheckpoint { writeCheckpoint(after: step) }
        passWeightsOn(WeightsVersion(step.rawValue + 1))
        let epoch = coordinator!.epoch
        try tell(.stepped(result))
        // Who died before the step was in the log has not written a checkpoint either.
        if canary != .eagerCheckpoint, coordinator?.epoch == epoch { writeCheckpoint(after: step) }
    }

    func recomputed(_ contribution: Contribution, _ tensors: Tensors) throws(Violation) {
        coordinator!.recomputed = tensors
        try tell(.recomputed(contribution))
        coordinator?.recomputed = .none
    }

    func concluded() throws(Violation) {
        hasResults = true
        try tell(.concluded)
    }

    /// Hands an event to the state machine, lets the checkers look, and carries out what it decides.
    func tell(_ event: CoordinatorEvent, _ letter: WorkerLetter? = nil) throws(Violation) {
        let directives = coordinator!.core.step(event, at: now)
        if let broken = coordinator!.core.brokenInvariant { throw Violation(broken) }
        if case .over = coordinator!.core.phase { wasEnding = true }
        let survives = isCalm || !faultDice.chance(plan.crashChance)
        let done = survives ? directives.count : faultDice.whole(0...directives.count)
        for directive in directives.prefix(done) { try perform(directive, event, letter) }
        // Who dies within a step may have meant to give up.
        if survives || outcome != nil { try membership.stepped(event, outcome: outcome, at: now) }
        if outcome != nil {
            coordinator = nil
        } else if !survives {
            statistics.count(.coordinatorCrashWithinStep)
            crashCoordinator(restartAfter: faultDice.duration(.zero, settings.timing.failureTimeout * 3))
        } else {
            if case .tick = event, let deadline = coordinator!.core.nextDeadline, deadline <= now {
                throw Violation("the coordinator's next deadline is not after its tick: it would spin")
            }
            setAlarm()
        }
    }

    private func setAlarm() {
        guard let deadline = coordinator?.core.nextDeadline else { return }
        if let alarm = coordinator!.alarm, alarm <= deadline { return }
        let time = max(deadline, now)
        coordinator!.alarm = time
        queue.schedule(.coordinatorAlarm, at: time, lane: .alarm)
    }

    // MARK: Directives

    func perform(
        _ directive: CoordinatorDirective, _ event: CoordinatorEvent, _ letter: WorkerLetter?
    ) throws(Violation) {
        switch directive {
        case .send(let message, let peer):
            send(message, .none, to: peer, over: .control)
        case .sendWeights(let version, let held, let peer):
            try traffic.sendsWeights()
            sendWeights(version, after: held, to: peer)
        case .assign(let assignment, let peer):
            try counting.assigned(assignment, to: peer)
            if try membership.assigned(assignment, to: peer) { try checkStay(of: peer) }
            try traffic.assigned(assignment)
            if canary == .resendStorm || canary == .earlierLife { coordinator!.sent.append((assignment, peer)) }
            send(.assign(assignment), plan(of: assignment), to: peer, over: .bulk)
        case .listFiles, .serve: throw Violation("files are asked for, and no simulated worker does that")
        case .keep(let node):
            try keep(node, event, letter)
        case .drop(let node):
            if canary == .verdictIgnored { return }
            try counting.dropped(node)
            coordinator!.kept.drop(node)
        case .keepSum(let index):
            try keepSum(index, letter)
        case .dropSums:
            counting.droppedSums()
            if canary != .abandonedSums { coordinator!.sums = [:] }
        case .recompute(let assignment):
            recompute(assignment)
        case .select(let round, let isLast):
            reduce(.validate(round), isLast: isLast)
        case .applyStep(let step):
            reduce(.train(step), isLast: false)
        case .record(let event):
            try record(event, letter)
        case .conclude:
            if canary == .earlyRelease { releaseEverybody() }
            schedule(.concluded(coordinator!.epoch), after: settings.checkpointTime * disk.slowness)
        case .finish(let outcome):
            self.outcome = outcome
            endedAt = now
        }
    }

    private func keep(_ node: TreeNode, _ event: CoordinatorEvent, _ letter: WorkerLetter?) throws(Violation) {
        if case .recomputed(let contribution) = event {
            if canary == .verdictIgnored { return }
            try counting.kept(node, contribution, coordinator!.recomputed)
            coordinator!.kept.keep(node, coordinator!.recomputed)
            return
        }
        guard let letter, case .contribution(let contribution) = letter.message else {
            throw Violation("told to keep \(node), which did not come")
        }
        try membership.kept(letter, epoch: coordinator!.epoch)
        try counting.kept(node, contribution, letter.tensors, mayBeWrong: !liars.isEmpty)
        coordinator!.kept.keep(node, contribution.pieces.isEmpty ? letter.tensors : .loss(contribution.loss))
    }

    /// What the compute thread does between reductions; it has the present weights.
    private func recompute(_ assignment: Assignment) {
        let node = TreeNode(assignment.shards.first!.rawValue, assignment.shards.last!.rawValue + 1)
        var words: [UInt64] = []
        if case .plan(let plan) = plan(of: assignment) { words = plan }
        var tensors = model.sum(of: node, assignment, plan: words, heads: coordinator!.state.heads)
        if canary == .falseVerdict, canaryDice.chance(0.2) { tensors = tensors.corrupted(by: ProcessID(index: 63)) }
        var loss = 0.0
        if case .gradient(let sum) = tensors { loss = sum.loss }
        let contribution = Contribution(
            assignment: 0, work: assignment.work, weights: assignment.weights, selection: assignment.selection,
            node: node, digest: model.digest(of: tensors), loss: loss)
        schedule(
            .recomputed(contribution, tensors, coordinator!.epoch), after: settings.blockTime * node.count)
    }

    func send(_ message: CoordinatorMessage, _ tensors: Tensors, to peer: Incarnation, over channel: Channel) {
        guard let process = owners[peer] else { return }
        let header = Header(runID: Settings.runID, epoch: coordinator!.epoch, worker: "", incarnation: peer)
        send(
            CoordinatorLetter(
                message: message, header: header, tensors: tensors, sender: peer, epoch: coordinator!.epoch),
            to: process, over: channel)
    }

    private func plan(of assignment: Assignment) -> Tensors {
        guard case .train(let step) = assignment.work else { return .none }
        let selection = coordinator!.state.selection
        return .plan(assignment.shards.map { model.plan(selection: selection, step: step, shard: $0) })
    }

    private func reduce(_ work: Work, isLast: Bool) {
        let (kept, sums) = (coordinator!.kept, coordinator!.sums)
        coordinator!.kept = KeptContributions()
        coordinator!.sums = [:]
        schedule(.reduced(work, kept, sums, isLast: isLast, coordinator!.epoch), after: settings.reduceTime)
    }

    private func record(_ event: RunEvent, _ letter: WorkerLetter?) throws(Violation) {
        trace.line(now) { "coordinator: \(event)" }
        statistics.note(event)
        try membership.recorded(event, at: now)
        try checkSerenity(event)
        try checkGroups(event)
        switch event {
        case .workerJoined(let name, _, _):
            if quarantined[name] != nil { throw Violation("\(name) is let in after it was quarantined") }
        case .workerReady(let name, let life):
            if let stranger = owners[life].flatMap({ workers[$0.index].stranger }) {
                throw Violation("\(name) is let in: \(stranger.rawValue)")
            }
        case .workerLeft(_, let life):
            try counting.drained(life)
        case .quarantined(let quarantine):
            guard liars.contains(quarantine.worker) else { throw Violation("blamed for nothing: \(event)") }
            quarantined[quarantine.worker] = quarantine.reason
            for index in workers.indices where workers[index].name == quarantine.worker {
                workers[index].isQuarantined = true
            }
            if isCalm { schedule(.topUp, after: settings.timing.failureTimeout) }
        case .step(let result):
            guard disk.log.append(result) || counting.isSpoilt else {
                throw Violation("step \(result.step) was logged with another digest by an earlier start")
            }
        case .dropped(let contribution, _, _):
            if canary == .ledgerBypassed, let letter { try keepAnyway(contribution, letter) }
        default: break
        }
    }

    /// At the end of a round, while the workers validate already.
    private func writeCheckpoint(after step: StepIndex) {
        let (round, rest) = (step + 1).rawValue.quotientAndRemainder(dividingBy: model.stepsPerRound)
        guard rest == 0 else { return }
        let start = RoundStart(round: RoundIndex(round), state: coordinator!.state)
        disk.write(start, taking: settings.checkpointTime, at: now)
    }
}
