import Common
import Coordination

// What the canaries do that no honest shell does.

extension Cluster {
    /// A checkpoint's round with the numbers of the coordinator that died.
    func restored(_ start: RoundStart) -> RoundStart {
        guard canary == .mixedCheckpoint, let newer = formerState else { return start }
        return RoundStart(round: start.round, state: newer)
    }

    /// A contribution as the process would send it now, whichever of its lives sent it: under its present header, and as an
    /// answer to what its present life was given.
    func ofPresentLife(_ letter: WorkerLetter, _ contribution: Contribution, of process: ProcessID) -> WorkerLetter {
        var letter = letter
        let present = workers[process.index].session.header
        letter.header.incarnation = present.incarnation
        if let epoch = coordinator?.epoch { letter.header.epoch = epoch }
        let given = coordinator?.sent.last { assignment, peer in
            peer == present.incarnation && assignment.work == contribution.work
                && assignment.nodes(shards: model.shards).contains(contribution.node)
        }
        guard let given else { return letter }
        letter.message = .contribution(
            Contribution(
                assignment: given.assignment.number, work: contribution.work, weights: contribution.weights,
                selection: contribution.selection, node: contribution.node, digest: contribution.digest,
                pieces: contribution.pieces, loss: contribution.loss))
        return letter
    }

    func keepAnyway(_ contribution: Contribution, _ letter: WorkerLetter) throws(Violation) {
        guard counting.isOpen(contribution.work) else { return }
        coordinator!.kept.keep(
            contribution.node, contribution.pieces.isEmpty ? letter.tensors : .loss(contribution.loss))
        try counting.kept(contribution.node, contribution, letter.tensors)
    }

    func keepUnasked(_ letter: WorkerLetter) throws(Violation) {
        guard case .sum(let sum) = letter.message, counting.isOpen(.train(sum.step)),
            !coordinator!.core.awaits(sum, from: letter.header.incarnation)
        else { return }
        try keepSum(sum.index, letter)
    }

    /// A contribution with the digest that its node was counted with.
    func stamped(_ contribution: Contribution) -> Contribution {
        guard counting.isOpen(contribution.work), contribution.pieces.isEmpty,
            let counted = coordinator!.kept.entries.first(where: { $0.node == contribution.node })
        else { return contribution }
        var loss = 0.0
        if case .gradient(let sum) = counted.tensors { loss = sum.loss }
        return Contribution(
            assignment: contribution.assignment, work: contribution.work, weights: contribution.weights,
            selection: contribution.selection, node: contribution.node, digest: model.digest(of: counted.tensors),
            loss: loss)
    }

    func releaseEverybody() {
        for worker in workers where worker.isRunning {
            let header = Header(
                runID: Settings.runID, epoch: coordinator!.epoch, worker: "", incarnation: worker.session.incarnation)
            send(
                CoordinatorLetter(
                    message: .release(reason: "the run is done"), header: header, tensors: .none,
                    sender: worker.session.incarnation, epoch: coordinator!.epoch),
                to: worker.id, over: .control)
        }
    }

    func resendEverything() throws(Violation) {
        for (assignment, peer) in coordinator?.sent ?? [] where counting.isOpen(assignment.work) {
            try perform(.assign(assignment, to: peer), .tick, nil)
        }
    }
}
