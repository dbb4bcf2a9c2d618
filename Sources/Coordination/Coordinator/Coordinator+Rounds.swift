import Common

// The life of a round: validate, select, then steps; and what moves it on.

extension Coordinator {
    /// Called after every event: begins work that can begin, deals what nobody holds, and tells why nothing moves.
    mutating func progress(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        if case .over = phase { return }
        releaseDrained(&directives)
        if case .concluding = phase {
            shortSince = nil
            return
        }
        if ready.count >= workersNeeded {
            shortSince = nil
            if case .gathering(let work) = phase {
                started = true
                open(work, at: now, &directives)
            }
        } else if shortSince == nil {
            shortSince = now
        }
        checkGroup(at: now, &directives)
        dealOrphaned(at: now, &directives)
        dealAudits(at: now, &directives)
        copyStragglers(at: now, &directives)
        tellReason(&directives)
    }

    /// Begins a piece of work: all shards are dealt to the workers that are ready now.
    mutating func open(_ work: Work, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard !ready.isEmpty else {
            reduction = nil
            phase = .gathering(work)
            return
        }
        phase = .working(work)
        ledger = Ledger(shards: configuration.shards)
        dealt = [:]
        pace = nil
        doubt = nil
        timesStuck = Array(repeating: 0, count: configuration.shards)
        if case .validate(let round) = work { directives.append(.record(.roundStarted(round))) }
        let receivers = recipients(of: work, at: now)
        let dealt = zip(receivers, ShardPlanner.deal(total: configuration.shards, workers: receivers.count))
            .filter { !$1.isEmpty }
        // Whoever has no assignment does not know the group, and could pass no weights on to it.
        formGroup(of: dealt.map(\.0), for: work, at: now, &directives)
        for (worker, shards) in dealt { assign(shards, of: work, to: worker.incarnation, at: now, &directives) }
    }

    mutating func onSelected(_ result: Selection, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        // The shell answers what it was asked, once; nothing from outside makes this event.
        guard phase == .computing(.validate(result.round)) else {
            preconditionFailure("a selection of round \(result.round) while \(phase)")
        }
        selection = result.digest
        haveFeatureSums = true
        directives.append(.record(.selected(result)))
        if isLast(result.round) || result.converged {
            phase = .concluding
            directives.append(.conclude)
        } else {
            open(.train(StepIndex(result.round.rawValue * configuration.stepsPerRound)), at: now, &directives)
        }
    }

    mutating func onStepped(_ result: StepResult, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        // As for a selection.
        guard phase == .computing(.train(result.step)) else {
            preconditionFailure("step \(result.step) was applied while \(phase)")
        }
        weights = WeightsVersion(result.step.rawValue + 1)
        closeStep(at: now)
        directives.append(.record(.step(result)))
        let next = result.step + 1
        if next.rawValue % configuration.stepsPerRound == 0 {
            open(.validate(RoundIndex(next.rawValue / configuration.stepsPerRound)), at: now, &directives)
        } else {
            open(.train(next), at: now, &directives)
        }
    }

    /// After the last step there is one more validation.
    func isLast(_ round: RoundIndex) -> Bool { round.rawValue >= configuration.rounds }

    /// A run that goes on without a worker that it quarantined does not wait for another in its place.
    private var workersNeeded: Int { started ? 1 : max(1, configuration.minWorkers - configuration.quarantined.count) }

    /// Why nothing moves; empty while work goes on.
    var waitingReason: String {
        let needed = workersNeeded
        guard ready.count < needed else { return "" }
        let loading = workers.values.count { $0.state == .joining }
        let more = loading > 0 ? ", \(loading) loading" : ""
        let refused = quarantined.isEmpty ? "" : ", \(quarantined.keys.sorted().joined(separator: ", ")) quarantined"
        return "\(ready.count) of \(needed) workers ready\(more)\(refused)"
    }

    private mutating func tellReason(_ directives: inout [CoordinatorDirective]) {
        let current = waitingReason
        guard current != reason else { return }
        reason = current
        if !current.isEmpty { directives.append(.record(.waiting(reason: current))) }
    }
}
