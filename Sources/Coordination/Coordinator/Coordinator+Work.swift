import Common

// Assignments out, contributions in.

/// What becomes of a contribution, and why.
enum ContributionOutcome {
    case counted
    /// A second worker computed the same.
    case confirmed
    case dropped(reason: String)
    /// It differs from what was counted, and the shell has to find out who is right.
    case disputed(Ledger.Entry)
    /// It differs from what two have computed already.
    case wrong(Ledger.Entry)
    /// It differs from what was used long ago, and nobody can find out any more who was right.
    case contradicted(Ledger.Entry)
}

extension Coordinator {
    mutating func assign(
        _ shards: [ShardID], of work: Work, to incarnation: Incarnation, as role: WorkerRecord.Role = .own,
        at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        // Those that work is dealt to are taken from `workers` in the same step.
        guard var worker = workers[incarnation] else { preconditionFailure("assigning to unknown \(incarnation)") }
        assignments += 1
        let assignment = assignment(assignments, shards, of: work, eachShard: configuration.tracesShards)
        if worker.weights != weights {
            directives.append(.sendWeights(weights, after: worker.weights, to: incarnation))
            worker.weights = weights
        }
        let nodes = Set(assignment.nodes(shards: configuration.shards))
        dealt[assignment.number] = DealtAssignment(incarnation: incarnation, nodes: nodes)
        worker.outstanding.append(
            .init(
                assignment: assignment, missing: nodes,
                timesStuck: shards.map { timesStuck[$0.rawValue] }.max() ?? 0, firstSent: now, role: role,
                lastSent: now, lastSign: now))
        workers[incarnation] = worker
        directives.append(.assign(assignment, to: incarnation))
    }

    func assignment(_ number: UInt64, _ shards: [ShardID], of work: Work, eachShard: Bool) -> Assignment {
        Assignment(
            number: number, work: work, weights: weights, selection: selectionNeeded(by: work), shards: shards,
            featureSums: needsFeatureSums(work), eachShard: eachShard, group: reduction?.group)
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
        guard isForReduction(contribution) else {
            let reason = "not the way in which \(contribution.work) is summed"
            directives.append(.record(.dropped(contribution, from: worker.name, reason: reason)))
            return
        }
        let (node, work) = (contribution.node, contribution.work)
        let claim = Claim(
            worker: worker.name, host: worker.host, incarnation: incarnation, assignment: contribution.assignment,
            digest: contribution.digest, loss: contribution.loss)
        let outcome = judge(contribution, claim)
        switch outcome {
        case .dropped(let reason):
            directives.append(.record(.dropped(contribution, from: worker.name, reason: reason)))
        case .disputed(let entry) where reduction != nil:
            let names = entry.givers.union([worker.name]).sorted().joined(separator: " and ")
            doubt = ([node], "\(names) differ")
            abandonGroup("\(names) differ about \(node)", at: now, &directives)
            return
        case .disputed(let entry):
            if !entry.isRecomputing {
                let names = entry.givers.union([worker.name]).sorted().joined(separator: " and ")
                recompute(node, of: work, because: "\(names) differ", &directives)
            }
        case .wrong(let entry):
            quarantine(claim, node, of: work, expected: entry.digest, witness: entry.witness, &directives)
        case .contradicted(let entry):
            finish(
                .failed(
                    SelMixError(
                        .failed, "\(worker.name) and \(entry.witness) computed \(node) of \(work) differently",
                        hint: "one of the two machines computes wrongly: check both before going on, or let "
                            + "`cluster.audit` find out which")),
                &directives)
            return
        case .confirmed: break
        case .counted:
            reduction?.count(contribution, at: now)
            directives.append(.keep(node))
            if let doubt, isDoubtful(node) { recompute(node, of: work, because: doubt.reason, &directives) }
        }
        if case .dropped = outcome {} else { damaged[worker.name] = nil }
        settle(contribution, of: incarnation, at: now)
        completeIfDone(at: now, &directives)
    }

    /// Whether a worker owes this node of the open work.
    public func awaits(_ node: TreeNode, of assignment: UInt64, from incarnation: Incarnation) -> Bool {
        workers[incarnation]?.outstanding.contains {
            $0.assignment.number == assignment && $0.missing.contains(node)
        } ?? false
    }

    private mutating func judge(_ contribution: Contribution, _ claim: Claim) -> ContributionOutcome {
        guard phase == .working(contribution.work) else {
            guard let past = closed.last(where: { $0.work == contribution.work }),
                let entry = past.ledger.entry(of: contribution.node), !entry.claims[0].agrees(with: claim)
            else { return .dropped(reason: "\(contribution.work) is not open") }
            // Anybody can say anything of what is over; whoever computed it was given it.
            guard wasDealt(contribution, to: claim.incarnation, past.dealt) else {
                return .dropped(reason: "it was not given \(contribution.node) of \(contribution.work)")
            }
            return entry.isProven ? .wrong(entry) : .contradicted(entry)
        }
        guard contribution.weights == weights else {
            return .dropped(reason: "weights version \(contribution.weights), current is \(weights)")
        }
        guard contribution.selection == selectionNeeded(by: contribution.work) else {
            return .dropped(reason: "selection \(contribution.selection), current is \(selection)")
        }
        guard contribution.node.isNode(ofTreeOver: configuration.shards) else {
            return .dropped(reason: "no node of the reduction tree")
        }
        guard wasDealt(contribution, to: claim.incarnation, dealt) else {
            return .dropped(reason: "it was not given \(contribution.node)")
        }
        let audited =
            configuration.audit.contains(contribution.node, in: contribution.work) || isDoubtful(contribution.node)
        switch ledger.count(contribution.node, claim, audited: audited) {
        case .counted: return .counted
        case .confirmed where audited: return .confirmed
        case .confirmed, .duplicate: return .dropped(reason: "counted already")
        case .disputed(let entry): return .disputed(entry)
        case .wrong(let entry): return .wrong(entry)
        case .overlapping(let node): return .dropped(reason: "overlaps \(node), which is counted")
        case .foreign: return .dropped(reason: "no node of the reduction tree")
        }
    }

    /// Takes a contribution off what its worker still owes.
    private mutating func settle(_ contribution: Contribution, of incarnation: Incarnation, at now: Instant) {
        guard var worker = workers[incarnation] else { return }
        worker.lastWorked = now
        if let late = Self.settle(contribution, in: &worker.late, at: now) {
            worker.pace.add(now - late.lastSent, shards: late.assignment.shards.count)
        }
        if let done = Self.settle(contribution, in: &worker.outstanding, at: now) {
            // From the last sending, so that a lost one does not pass for slow work.
            slowestTurnaround = max(slowestTurnaround, now - done.lastSent)
            pace = max(pace ?? .zero, now - done.lastSent)
            worker.pace.add(now - done.lastSent, shards: done.assignment.shards.count)
            if phase == .working(done.assignment.work) { reduction?.answered[incarnation, default: []].append(done) }
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

    mutating func completeIfDone(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, ledger.isComplete else { return }
        if let reduction {
            guard reduction.isSummed, reduction.wrongPiece == nil else { return }
            noteGroupSuccess(at: now)
        }
        phase = .computing(work)
        closed = (closed + [ClosedWork(work: work, ledger: ledger, dealt: dealt)]).suffix(Self.closedWindow)
        for entry in ledger.entries where !entry.isProven { unproven[entry.claims[0].worker, default: 0] += 1 }
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
