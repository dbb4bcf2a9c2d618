import Common

// What the numbers themselves say of a contribution. No audit is needed to see that a loss is no number, or that a gradient
// is larger than the samples can make it. That has one of two causes, and they need opposite answers: the training has
// diverged, and then everybody computes the same nonsense and the run has to end; or one machine computes wrongly, and then
// the run has to go on without it. So the coordinator computes the node itself. If that is no better, the shell ends the
// run; if it is, the claims that differ are wrong.

/// A node of a step whose loss or gradient cannot be what its samples give.
public struct ImplausibleNode: Sendable, Equatable {
    public let node: TreeNode
    public let reason: String

    public init(_ node: TreeNode, reason: String) { (self.node, self.reason) = (node, reason) }
}

extension Coordinator {
    /// How often in a row what a worker contributes may arrive damaged before it is refused for good. By then it has been
    /// asked for again, given up and let in again.
    static let damageLimit = 8

    /// The step that was about to be taken is open again.
    ///
    /// - Parameter error: how the run ends if nobody is to blame.
    mutating func onImplausible(
        _ step: StepIndex, _ nodes: [ImplausibleNode], _ error: SelMixError, at now: Instant,
        _ directives: inout [CoordinatorDirective]
    ) {
        let work = Work.train(step)
        // The shell answers what it was asked, once; nothing from outside makes this event.
        guard phase == .computing(work) else { preconditionFailure("step \(step) is implausible while \(phase)") }
        if reduction != nil {
            // The parts are with the workers. Handed in one by one, each is looked at.
            reopen(work)
            abandonGroup(nodes.first?.reason ?? error.message, at: now, &directives)
            return
        }
        let open = nodes.filter { ledger.entry(of: $0.node)?.isProven == false }
        guard !open.isEmpty else {
            finish(.failed(error), &directives)
            return
        }
        reopen(work)
        for doubtful in open {
            ledger.doubt(doubtful.node)
            let givers = ledger.entry(of: doubtful.node)?.givers.sorted().joined(separator: " and ") ?? ""
            recompute(doubtful.node, of: work, because: "\(doubtful.reason), as \(givers) computed it", &directives)
        }
    }

    /// Takes back that the work is complete.
    private mutating func reopen(_ work: Work) {
        phase = .working(work)
        closed.removeAll { $0.work == work }
        for entry in ledger.entries where !entry.isProven { unproven[entry.claims[0].worker, default: 1] -= 1 }
    }

    /// A contribution whose tensors are not what it announces. It is asked for again; but a machine from which none arrives
    /// whole would be given work for ever.
    mutating func onDamaged(_ header: Header, at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard rejection(of: .listFiles, header) == nil, let worker = workers[header.incarnation] else { return }
        damaged[worker.name, default: 0] += 1
        guard let times = damaged[worker.name], times >= Self.damageLimit else { return }
        let reason =
            "\(times) contributions of worker \(worker.name) in a row arrived damaged: its memory or its network is faulty"
        quarantined[worker.name] = reason
        turnAway(worker, reason: reason, &directives)
    }

    /// Whether a worker was given what it answers.
    func wasDealt(_ contribution: Contribution, to incarnation: Incarnation, _ dealt: [UInt64: DealtAssignment]) -> Bool
    {
        guard let assignment = dealt[contribution.assignment] else { return false }
        return assignment.incarnation == incarnation && assignment.nodes.contains(contribution.node)
    }
}
