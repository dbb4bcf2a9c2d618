import Common

/// What happens to the coordinator.
public enum CoordinatorEvent: Sendable {
    /// The sockets are open.
    case started
    case received(WorkerMessage, Header)
    /// Time passed; due at the latest at ``Coordinator/nextDeadline``.
    case tick
    /// The shell has reduced the statistics of a round and computed its selection.
    case selected(Selection)
    /// The shell has reduced the gradients of a step and moved the weights.
    case stepped(StepResult)
    /// The shell has computed a node as ``CoordinatorDirective/recompute(_:)`` asked.
    case recomputed(Contribution)
    /// The shell would have moved the weights, but these nodes of the step cannot be what their samples give. The error is how
    /// the run ends if they are all the same.
    case implausible(StepIndex, [ImplausibleNode], SelMixError)
    /// A contribution came from there whose tensors are not what it announces.
    case damaged(Header)
    /// The shell has written the results.
    case concluded
    /// The shell is done with a list or a chunk that this worker asked for.
    case served(Incarnation)
    /// The launcher has seen the process of this worker end, so that nobody need wait for its lease.
    case workerEnded(String, WorkerEnd)
    /// The launcher knows that no worker is left and none will come.
    case workersGone(reason: String)
    /// A person asks that the worker of this name hands over and leaves.
    case drainRequested(worker: String, reason: String)
    /// A person or a scheduler asks the run to stop.
    case stopRequested(reason: String)
    /// The shell met an error that ends the run, such as a disk that cannot be written.
    case shellFailed(SelMixError)
}

/// What a round's selection is to the coordinator: its name, and whether training goes on.
public struct Selection: Sendable, Hashable {
    public var round: RoundIndex
    public var digest: Digest
    /// The gains have settled, and the job asks to stop then.
    public var converged: Bool

    public init(round: RoundIndex, digest: Digest, converged: Bool = false) {
        self.round = round
        self.digest = digest
        self.converged = converged
    }
}

public struct StepResult: Sendable, Equatable {
    public var step: StepIndex
    /// Of the new weights.
    public var digest: Digest
    /// Mean loss over the batch.
    public var loss: Double

    public init(step: StepIndex, digest: Digest, loss: Double) {
        self.step = step
        self.digest = digest
        self.loss = loss
    }
}
