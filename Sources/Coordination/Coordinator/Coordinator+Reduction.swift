import Common

// Where the workers sum a step's gradient among themselves. Contributions are counted as ever, by what they announce; the
// step is complete when the sums are there too, made from just that. Whatever goes wrong, the group is given up for this
// step, and everybody hands in what it has computed to the coordinator: no step is lost, and the bytes are the same.

extension Coordinator {
    /// Groups that failed, one shortly after another, before it is left at sums by the coordinator.
    private static let groupPatience = 3
    /// Steps without a failure after which earlier ones are forgotten.
    private static let groupProbation = 100

    /// Who sums the step that is opened; nil for the coordinator.
    mutating func formGroup(
        of receivers: [WorkerRecord], for work: Work, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        relays = reduction?.group
        reduction = nil
        guard case .train = work, configuration.pieces > 0 else { return }
        // Who sits a step out, being late with the one before, is not worth a line each time.
        let names = ready.prefix(configuration.shards).map(\.name)
        let isolated = receivers.filter(\.peerAddress.isEmpty).map(\.name)
        if groupFailures >= Self.groupPatience {
            tellReduction([], "groups of workers have failed \(groupFailures) times", &directives)
        } else if !isolated.isEmpty {
            tellReduction([], "other workers cannot reach \(isolated.joined(separator: ", "))", &directives)
        } else if receivers.count < 2 {
            if names.count < 2 { tellReduction([], "a group needs two workers", &directives) }
        } else {
            let members = receivers.map { ReductionGroup.Member(life: $0.incarnation, address: $0.peerAddress) }
            reduction = GroupReduction(ReductionGroup(members: members), pieces: configuration.pieces, at: now)
            tellReduction(names, "", &directives)
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
        completeIfDone(&directives)
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
        return reduction.lastSign + configuration.timing.patience(slowest: slowestTurnaround, timesStuck: 0)
    }

    /// Called after every event: gives a group up that cannot come to its end.
    mutating func checkGroup(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working = phase, let reduction else { return }
        if reduction.group.members.contains(where: { workers[$0.life] == nil }) {
            abandonGroup("a member was lost", at: now, &directives)
        } else if ledger.isComplete, reduction.isSummed, let piece = reduction.wrongPiece {
            noteGroupFailure()
            let reason = "piece \(piece) was summed from something else than what counts"
            doubt = (reduction.doubtfulNodes(of: piece), reason)
            abandonGroup(reason, at: now, &directives)
        } else if let deadline = groupDeadline, now >= deadline {
            noteGroupFailure()
            let reducers = (0..<configuration.pieces).filter { reduction.sums[$0] == nil }
                .compactMap { workers[reduction.group.reducer(of: $0).life]?.name }
            abandonGroup(
                "no sums from \(Set(reducers).sorted().joined(separator: ", ")): can all workers reach each other?",
                at: now, &directives)
        }
    }

    /// A worker lacks the present weights. That counts once, as many may lack what one was to pass on, and not at all if one
    /// of the group is lost: that says nothing of the others.
    mutating func noteMissingWeights(of life: Incarnation) {
        guard let group = relays, group.contains(life) else { return }
        if group.members.allSatisfy({ workers[$0.life] != nil }) { noteGroupFailure() }
        relays = nil
    }

    mutating func noteGroupFailure() {
        groupFailures += 1
        groupSuccesses = 0
    }

    mutating func noteGroupSuccess() {
        groupSuccesses += 1
        if groupSuccesses >= Self.groupProbation { groupFailures = 0 }
    }

    func isDoubtful(_ node: TreeNode) -> Bool { doubt?.nodes.contains { $0.overlaps(node) } ?? false }

    /// Has everybody hand in what it has computed, or will, to the coordinator. Nothing of it counts yet.
    mutating func abandonGroup(_ reason: String, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, let failed = reduction else { return }
        reduction = nil
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
