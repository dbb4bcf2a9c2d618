import Common
import Coordination

// What the canaries do that no honest shell does.

extension Cluster {
    /// A checkpoint's round with the numbers of the coordinator that died.
    func restored(_ start: RoundStart) -> RoundStart {
        guard canary == .mixedCheckpoint, let newer = formerState else { return start }
        return RoundStart(round: start.round, state: newer)
    }

    /// The header that a process would send now, whichever of its lives sent the letter.
    func presentHeader(of process: ProcessID, _ header: Header) -> Header {
        var present = workers[process.index].session.header
        present.runID = header.runID
        if let epoch = coordinator?.epoch { present.epoch = epoch }
        return present
    }

    func keepAnyway(_ contribution: Contribution, _ letter: WorkerLetter) throws(Violation) {
        guard counting.isOpen(contribution.work) else { return }
        coordinator!.kept.keep(contribution.node, letter.tensors)
        try counting.kept(contribution.node, contribution, letter.tensors)
    }

    func resendEverything() throws(Violation) {
        for (assignment, peer) in coordinator?.sent ?? [] where counting.isOpen(assignment.work) {
            try perform(.assign(assignment, to: peer), nil)
        }
    }
}
