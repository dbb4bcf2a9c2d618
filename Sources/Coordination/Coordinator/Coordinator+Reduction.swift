import Common

// Where the workers sum a step's gradient among themselves. Contributions are counted as ever, by what they announce; the
// step is complete when the sums are there too, made from just that. Whatever goes wrong, the group is given up for this
// step, and everybody hands in what it has computed to the coordinator: no step is lost, and the bytes are the same.

extension Coordinator {
    /// Groups that failed, one shortly after another, before it is left at sums by the coordinator.
    private static let groupPatience = 3
    /// Steps without a failure after which earlier ones are forgotten.
    private static let groupProbation = 100
    /// A worker that takes so many times as long for a shard as half of the others is too slow for a group.
    private static let slowMember = 4

    /// How long the first failure keeps a worker, or all of them, out of groups.
    private var groupRest: Duration { configuration.timing.failureTimeout * 10 }

    /// Who is dealt a step's shards: where a group can sum, those who may be of it, if they are half of all at least. The others
    /// stand by meanwhile. The coordinator sums for all.
    func recipients(of work: Work, at now: Instant) -> [WorkerRecord] {
        let all = receivers
        guard case .train = work, configuration.pieces > 0, summing.current == .group, !groupsRest(at: now) else {
            return all
        }
        let fit = all.filter { isFit($0, among: all, at: now) }
        return fit.count >= 2 && fit.count * 2 >= all.count ? fit : all
    }

    /// Whether a worker is fast enough for a group, as far as is known.
    private func isFit(_ worker: WorkerRecord, among all: [WorkerRecord], at now: Instant) -> Bool {
        guard !standing.isOut(worker.name, at: now) else { return false }
        let others = all.filter { $0.incarnation != worker.incarnation }.compactMap {
            $0.pace.means(running: nil)?.shard
        }
        guard let own = worker.pace.means(running: nil)?.shard, !others.isEmpty else { return true }
        let usual = others.sorted()[others.count / 2]
        return own <= max(usual * Self.slowMember, configuration.timing.failureTimeout / 50)
    }

    private func groupsRest(at now: Instant) -> Bool { groupsResume.map { now < $0 } ?? false }

    /// Who sums the step that is opened; nil for the coordinator.
    mutating func formGroup(
        of receivers: [WorkerRecord], for work: Work, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        relays = reduction?.group
        reduction = nil
        groupWasAbandoned = false
        openedAt = now
        judgeSuspects(at: now)
        guard case .train = work, configuration.pieces > 0 else { return }
        // Who sits a step out, being late with the one before, is not worth a line each time.
        let present = ready
        let names = present.filter { isFit($0, among: present, at: now) }.prefix(configuration.shards).map(\.name)
        let isolated = receivers.filter(\.peerAddress.isEmpty).map(\.name)
        let unfit = receivers.filter { !isFit($0, among: receivers, at: now) }.map(\.name)
        if groupsRest(at: now) {
            tellReduction([], "groups of workers have failed \(Self.groupPatience) times", &directives)
        } else if summing.current == .coordinator {
            let reason = summing.isTrying ? "tried for a few steps" : "it is faster: \(summing.reason)"
            tellReduction([], reason, &directives)
        } else if !isolated.isEmpty {
            tellReduction([], "other workers cannot reach \(isolated.joined(separator: ", "))", &directives)
        } else if receivers.count < 2 {
            if present.count < 2 { tellReduction([], "a group needs two workers", &directives) }
        } else if !unfit.isEmpty {
            tellReduction([], "\(unfit.joined(separator: ", ")) would hold the others up", &directives)
        } else {
            let members = receivers.map { ReductionGroup.Member(life: $0.incarnation, address: $0.peerAddress) }
            reduction = GroupReduction(ReductionGroup(members: members), pieces: configuration.pieces, at: now)
            tellReduction(names, "", &directives)
        }
    }

    /// A step has been taken: who has held it up is known now, and how long it took.
    mutating func closeStep(at now: Instant) {
        guard configuration.pieces > 0 else { return }
        summing.note(now - openedAt, by: reduction != nil || groupWasAbandoned ? .group : .coordinator)
        if let reduction {
            standing.noteSuccess(of: reduction.group.members.compactMap { workers[$0.life]?.name })
        }
        guard groupWasAbandoned else { return }
        // All were to hand in what they have: whom the others have waited for may be who still owes it.
        for worker in workers.values where !worker.late.isEmpty && suspects[worker.incarnation] == nil {
            suspects[worker.incarnation] = now
        }
    }

    /// Whoever owes the answer to a step whose group was given up for long is whom it was given up for; others were a moment late.
    private mutating func judgeSuspects(at now: Instant) {
        for (life, since) in suspects {
            let worker = workers[life]
            if let worker, !worker.late.isEmpty, now >= since + configuration.timing.failureTimeout / 2 {
                blame(worker.name, at: now)
            } else if worker?.late.isEmpty == false {
                continue
            }
            suspects[life] = nil
        }
    }

    private mutating func blame(_ name: String, at now: Instant) {
        standing.noteFailure(of: name, at: now, rest: groupRest)
        // So it was not for all of them.
        groupFailures = max(0, groupFailures - 1)
    }

    /// A worker is given up for its silence or for want of progress. If it was of a group, that is why the group is given up.
    mutating func noteGroupLoss(of worker: WorkerRecord, at now: Instant) {
        let life = worker.incarnation
        if suspects.removeValue(forKey: life) != nil {
            blame(worker.name, at: now)
        } else if reduction?.group.contains(life) == true || relays?.contains(life) == true {
            standing.noteFailure(of: worker.name, at: now, rest: groupRest)
        }
    }

    private mutating func tellReduction(
        _ members: [String], _ reason: String, _ directives: inout [CoordinatorDirective]
    ) {
        if let told = reductionTold, told == (members, reason) { return }
        reductionTold = (members, reason)
        directives.append(.record(.reduction(members: members, reason: reason)))
    }

    /// Whether a worker owes this sum of the open step.
    public func awaits(_ sum: PieceSum, from life: Incarnation) -> Bool {
        phase == .working(.train(sum.step)) && reduction?.awaits(sum.index, from: life) == true
    }

    /// The group that sums the open step, or has summed the one before; nil once one of it is lost, who would not pass on what
    /// it is sent.
    public var group: ReductionGroup? {
        guard let group = reduction?.group, group.members.allSatisfy({ workers[$0.life] != nil }) else { return nil }
        return group
    }

    /// Nobody leaves whose sums are wanted, or who passes on weights that somebody works with: a release would overtake them.
    func isNeededByGroup(_ life: Incarnation) -> Bool {
        if reduction?.group.contains(life) == true { return true }
        return relays?.contains(life) == true && workers.values.contains { !$0.outstanding.isEmpty }
    }

    mutating func onSum(
        _ sum: PieceSum, from life: Incarnation, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        guard awaits(sum, from: life) else { return }
        reduction?.add(sum, at: now)
        directives.append(.keepSum(sum.index))
        completeIfDone(at: now, &directives)
    }

    /// Whether a contribution came the way that the open work is summed; others are on their way from before a group was
    /// given up, and come again.
    func isForReduction(_ contribution: Contribution) -> Bool {
        phase != .working(contribution.work)
            || contribution.pieces.count == (reduction == nil ? 0 : configuration.pieces)
    }

    /// When the sums of a step whose contributions are all there are too late.
    var groupDeadline: Instant? {
        guard case .working = phase, let reduction, ledger.isComplete else { return nil }
        let timeout = configuration.timing.failureTimeout
        // Sums follow at once what they are made from: what others have needed for that is the measure, not what computing takes.
        // Not sooner than leases end, so that who is dead is taken for that.
        return reduction.lastSign + max(timeout, (sumTimes.max() ?? .zero) * 4)
    }

    /// Called after every event: gives a group up that cannot come to its end.
    mutating func checkGroup(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working = phase, let reduction else { return }
        if reduction.group.members.contains(where: { workers[$0.life] == nil }) {
            abandonGroup("a member was lost", at: now, &directives)
        } else if ledger.isComplete, reduction.isSummed, let piece = reduction.wrongPiece {
            noteGroupFailure(at: now)
            let reason = "piece \(piece) was summed from something else than what counts"
            doubt = (reduction.doubtfulNodes(of: piece), reason)
            abandonGroup(reason, at: now, &directives)
        } else if let deadline = groupDeadline, now >= deadline {
            noteGroupFailure(at: now)
            let reducers = (0..<configuration.pieces).filter { reduction.sums[$0] == nil }
                .compactMap { workers[reduction.group.reducer(of: $0).life]?.name }
            abandonGroup(
                "no sums from \(Set(reducers).sorted().joined(separator: ", ")): can all workers reach each other?",
                at: now, &directives)
        }
    }

    /// A worker lacks the present weights. That counts once, as many may lack what one was to pass on, and not at all if one
    /// of the group is lost: that says nothing of the others.
    mutating func noteMissingWeights(of life: Incarnation, at now: Instant) {
        guard let group = relays, group.contains(life) else { return }
        let others = group.members.filter { $0.life != life }.compactMap { workers[$0.life]?.name }
        if group.members.count == 2, let other = others.first {
            // There is nobody else whom it could be for.
            standing.noteFailure(of: other, at: now, rest: groupRest)
        } else if others.count + 1 == group.members.count {
            noteGroupFailure(at: now)
        }
        relays = nil
    }

    /// A group has failed, and for whom is not known. After some such there is none for a while, for longer each time.
    mutating func noteGroupFailure(at now: Instant) {
        groupFailures += 1
        groupSuccesses = 0
        guard groupFailures >= Self.groupPatience else { return }
        groupsResume = now + groupRest * (1 << min(groupRests, 10))
        groupRests += 1
        // The next one that fails is the last again.
        groupFailures = Self.groupPatience - 1
    }

    mutating func noteGroupSuccess(at now: Instant) {
        if let complete = reduction?.completedAt { sumTimes = (sumTimes + [now - complete]).suffix(Self.sumWindow) }
        groupSuccesses += 1
        if groupSuccesses >= Self.groupProbation { (groupFailures, groupRests) = (0, 0) }
    }

    /// Steps whose time from the last contribution to the last sum is looked at.
    private static let sumWindow = 16

    func isDoubtful(_ node: TreeNode) -> Bool { doubt?.nodes.contains { $0.overlaps(node) } ?? false }

    /// Has everybody hand in what it has computed, or will, to the coordinator. Nothing of it counts yet.
    mutating func abandonGroup(_ reason: String, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, let failed = reduction else { return }
        reduction = nil
        groupWasAbandoned = true
        tellReduction([], "\(reason), in \(work)", &directives)
        directives += ledger.entries.map { .drop($0.node) }
        directives.append(.dropSums)
        ledger = Ledger(shards: configuration.shards)
        for worker in workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            let held = (failed.answered[worker.incarnation] ?? []) + worker.outstanding
            workers[worker.incarnation]?.outstanding = held.map { before in
                let assignment = before.assignment.toCoordinator
                directives.append(.assign(assignment, to: worker.incarnation))
                return WorkerRecord.Outstanding(
                    assignment: assignment, missing: Set(assignment.nodes(shards: configuration.shards)),
                    timesStuck: before.timesStuck, firstSent: now, role: before.role, isCopied: before.isCopied,
                    lastSent: now, lastSign: now)
            }
        }
    }
}
