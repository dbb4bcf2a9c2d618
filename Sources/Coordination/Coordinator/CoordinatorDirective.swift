import Common

/// What the coordinator asks its shell to do, in this order.
public enum CoordinatorDirective: Sendable, Equatable {
    case send(CoordinatorMessage, to: Incarnation)
    /// Send the current weights, ahead of the assignment that needs them: the heads that were trained since the version
    /// `after`, which this worker holds or was sent; all heads where that is nil.
    case sendWeights(WeightsVersion, after: WeightsVersion?, to: Incarnation)
    /// Send this assignment with what belongs to it: for a step, the class pairs of its slots.
    case assign(Assignment, to: Incarnation)
    /// The contribution being handled, a worker's or one that was computed here, counts: keep its tensors until the work is reduced. Without this they are dropped.
    case keep(TreeNode)
    /// The sum being handled counts as that of this piece: keep its tensor. It will be what the contributions announce, or be
    /// dropped.
    case keepSum(Int)
    /// Forget all sums, and what was made of them: contributions come with their slices.
    case dropSums
    /// What is kept of this node is not to be used: it was computed wrongly, or by who is not trusted any more.
    case drop(TreeNode)
    /// Compute the one node of this assignment here, as a worker would, and answer with
    /// ``CoordinatorEvent/recomputed(_:)``.
    case recompute(Assignment)
    /// All of a validation is there: reduce it, and answer with ``CoordinatorEvent/selected(_:)``. The last validation of a
    /// run needs the metrics alone.
    case select(RoundIndex, isLast: Bool)
    /// All of a step is there: reduce it, move the weights, and answer with ``CoordinatorEvent/stepped(_:)``.
    case applyStep(StepIndex)
    /// Tell a worker what the job's files are. Answered by ``CoordinatorEvent/served(_:)``, as the next one.
    case listFiles(to: Incarnation)
    /// Send a worker a part of one of the job's files, if there is that part.
    case serve(ChunkID, to: Incarnation)
    /// Append to the event log.
    case record(RunEvent)
    /// All is done: write the results, and answer with ``CoordinatorEvent/concluded``.
    case conclude
    /// The run is over; nothing follows.
    case finish(Outcome)
}

/// How a run ends.
public enum Outcome: Sendable, Equatable {
    case finished
    case interrupted(reason: String)
    case failed(SelMixError)
}

/// A line of the event log.
public enum RunEvent: Sendable, Equatable {
    case started(epoch: Epoch)
    /// Why nothing moves, told when the reason changes.
    case waiting(reason: String)
    case workerJoined(String, Incarnation, Hello)
    case workerReady(String, Incarnation)
    case workerRefused(String, Incarnation, reason: String)
    /// It takes part, but its self-test is far below that of the others.
    case workerFarSlower(String, Incarnation, reason: String)
    case workerDraining(String, Incarnation, reason: String)
    case workerLeft(String, Incarnation)
    case workerLost(String, Incarnation, reason: String)
    /// Shards of a lost worker go to another in mid-work.
    case moved([ShardID], of: Work, to: String)
    /// A straggler's shards are computed by another worker too.
    case copied([ShardID], of: Work, from: String, to: String)
    /// Who sums from now on: these workers, or, where there is none, the coordinator, with the reason.
    case reduction(members: [String], reason: String)
    /// An assignment or its answer was lost on the way.
    case repeated(Assignment, to: String)
    case dropped(Contribution, from: String, reason: String)
    /// The coordinator computes a node itself: to settle who is right, or for want of a second worker.
    case recomputing(TreeNode, of: Work, reason: String)
    case quarantined(Quarantine)
    case roundStarted(RoundIndex)
    case selected(Selection)
    case step(StepResult)
    case finished(Outcome)
}
