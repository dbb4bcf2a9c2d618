import Common

// Assignments out, contributions in.

/// What becomes of a contribution, and why.
enum ContributionOutcome: Equatable {
    case counted
    case dropped(reason: String)
    case contradicted(first: Incarnation)
}

extension Coordinator {
    mutating func assign(
        _ shards: [ShardID], of work: Work, to incarnation: Incarnation, asCopy: Bool = false, at now: Instant,
        _ directives: inout [CoordinatorDirective]
    ) {
        guard var worker = workers[incarnation] else { preconditionFailure("assigning to unknown \(incarnation)") }
        assignments += 1
        let assignment = Assignment(
            number: assignments, work: work, weights: weights, selection: selectionNeeded(by: work), shards: shards,
            featureSums: needsFeatureSums(work), eachShard: configuration.tracesShards)
        if worker.weights != weights {
            worker.weights = weights
            directives.append(.sendWeights(weights, to: incarnation))
        }
        worker.outstanding.append(
            .init(
                assignment: assignment, missing: Set(assignment.nodes(shards: configuration.shards)),
                timesStuck: shards.map { timesStuck[$0.rawValue] }.max() ?? 0, firstSent: now, isCopy: asCopy,
                lastSent: now, lastSign: now))
        workers[incarnation] = worker
        directives.append(.assign(assignment, to: incarnation))
    }

    private func needsFeatureSums(_ work: Work) -> Bool {
        if case .validate = work { !haveFeatureSums } else { false }
    }

    private func selectionNeeded(by work: Work) -> Digest {
        if case .train = work { selection } else { Digest(rawValue: 0) }
    }

    mutating func onContribution(
        _ contribution: Contribution, from incarnation: Incarnation, at now: Instant,
        _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers[incarnation] else { return }
        switch judge(contribution, from: incarnation) {
        case .dropped(let reason):
            directives.append(.record(.dropped(contribution, from: worker.name, reason: reason)))
        case .contradicted(let first):
            let other = workers[first]?.name ?? "a worker that left"
            finish(
                .failed(
                    SelMixError(
                        .failed,
                        "\(worker.name) and \(other) computed \(contribution.node) of \(contribution.work) differently",
                        hint: "one of the two machines computes wrongly: check both before going on")),
                &directives)
            return
        case .counted:
            directives.append(.keep(contribution.node))
        }
        settle(contribution, of: incarnation, at: now)
        completeIfDone(&directives)
    }

    private mutating func judge(_ contribution: Contribution, from incarnation: Incarnation) -> ContributionOutcome {
        guard phase == .working(contribution.work) else {
            if let first = contradictsClosedWork(contribution) { return .contradicted(first: first) }
            return .dropped(reason: "\(contribution.work) is not open")
        }
        guard contribution.weights == weights else {
            return .dropped(reason: "weights version \(contribution.weights), current is \(weights)")
        }
        guard contribution.selection == selectionNeeded(by: contribution.work) else {
            return .dropped(reason: "selection \(contribution.selection), current is \(selection)")
        }
        switch ledger.count(contribution.node, digest: contribution.digest, from: incarnation) {
        case .counted: return .counted
        case .duplicate: return .dropped(reason: "counted already")
        case .overlapping(let node): return .dropped(reason: "overlaps \(node), which is counted")
        case .foreign: return .dropped(reason: "no node of the reduction tree")
        case .contradiction(let first): return .contradicted(first: first)
        }
    }

    /// Takes a contribution off what its worker still owes.
    private mutating func settle(_ contribution: Contribution, of incarnation: Incarnation, at now: Instant) {
        guard var worker = workers[incarnation] else { return }
        Self.settle(contribution, in: &worker.late, at: now)
        if let done = Self.settle(contribution, in: &worker.outstanding, at: now) {
            // From the last sending, so that a lost one does not pass for slow work.
            slowestTurnaround = max(slowestTurnaround, now - done.lastSent)
            pace = max(pace ?? .zero, now - done.lastSent)
        }
        workers[incarnation] = worker
    }

    /// - Returns: the assignment, if this was its last node.
    @discardableResult
    private static func settle(
        _ contribution: Contribution, in held: inout [WorkerRecord.Outstanding], at now: Instant
    ) -> WorkerRecord.Outstanding? {
        guard let index = held.firstIndex(where: { $0.assignment.number == contribution.assignment }) else {
            return nil
        }
        held[index].missing.remove(contribution.node)
        held[index].lastSign = now
        return held[index].missing.isEmpty ? held.remove(at: index) : nil
    }

    private mutating func completeIfDone(_ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, ledger.isComplete else { return }
        phase = .computing(work)
        closed = (closed + [(work, ledger)]).suffix(Self.closedWindow)
        // Whatever is still outstanding would only be a second copy, and whoever computes it is late.
        for incarnation in workers.keys {
            guard let outstanding = workers[incarnation]?.outstanding, !outstanding.isEmpty else { continue }
            workers[incarnation]?.late += outstanding
            workers[incarnation]?.outstanding = []
        }
        switch work {
        case .validate(let round): directives.append(.select(round, isLast: isLast(round)))
        case .train(let step): directives.append(.applyStep(step))
        }
    }

    /// Deals shards of the open work that nobody holds any more, to whoever holds the least.
    mutating func dealOrphaned(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase else { return }
        var held = Set<ShardID>()
        for worker in workers.values {
            for outstanding in worker.outstanding { held.formUnion(outstanding.missing.flatMap(\.shards)) }
        }
        let orphaned = ledger.missing.filter { !held.contains($0) }
        let receivers = receivers
        guard !orphaned.isEmpty, !receivers.isEmpty else { return }
        for (worker, shards) in zip(receivers, ShardPlanner.redeal(orphaned, load: receivers.map(\.load)))
        where !shards.isEmpty {
            directives.append(.record(.moved(shards, of: work, to: worker.name)))
            assign(shards, of: work, to: worker.incarnation, at: now, &directives)
        }
    }
}
