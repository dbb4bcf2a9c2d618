import Common

/// What happens to a worker.
public enum WorkerEvent: Sendable {
    case started
    case received(CoordinatorMessage, Header)
    /// No connection comes about, as the other side does not want it. With `retry` the reason may pass.
    case connectionRefused(reason: String, retry: Bool)
    /// The coordinator cannot be reached, for a reason that may pass; worth knowing when this worker gives up.
    case coordinatorOutOfReach(reason: String)
    /// Time passed; due at the latest at ``WorkerSession/nextDeadline``. `blocks` counts the work done since the start.
    case tick(blocks: UInt64)
    /// Files are being fetched; shows that loading gets on.
    case staging(StagingProgress)
    /// The job's data are mapped and checked; the probe tells how this machine rounds.
    case loaded(probe: Digest)
    /// Other workers reach this one there.
    case listening(peerAddress: String)
    case loadFailed(SelMixError)
    /// One node of the assignment in hand is summed; its tensors are with the shell.
    case computed(Contribution)
    /// All nodes of the assignment in hand are done.
    case assignmentDone(UInt64)
    /// The computation itself failed, which ends the worker.
    case computeFailed(SelMixError)
    /// SIGTERM: hand over and leave.
    case stopRequested(reason: String)
}

/// What a worker session asks its shell to do, in this order.
public enum WorkerDirective: Sendable, Equatable {
    /// Connect afresh under this incarnation, forgetting what was queued under an earlier one.
    case connect(Incarnation)
    case send(WorkerMessage)
    /// Send a contribution with the tensors that the shell holds for it.
    case sendContribution(Contribution)
    /// Load the job that came with the welcome.
    case load(Welcome)
    case compute(Assignment)
    /// What was computed for this assignment, and what will be, goes to the coordinator: the group that was to sum it is
    /// given up.
    case handIn(UInt64)
    /// Forget assignments and tensors of an earlier life.
    case reset
    case exit(WorkerExit)
}

/// How a worker ends.
public enum WorkerExit: Sendable, Equatable {
    /// The coordinator let it go.
    case released(reason: String)
    case failed(SelMixError)
}
