/// A deliberate defect in the simulated shells, which the checkers have to find: proof that they would find a real one.
public enum Canary: String, CaseIterable, Sendable {
    /// A worker now and then computes with the weights of the step before.
    case staleWeights
    /// A worker now and then computes with the plan of another step.
    case stalePlan
    /// The coordinator adds contributions in the order of their arrival.
    case arrivalOrder
    /// Every contribution is added, also the ones that the ledger dropped.
    case ledgerBypassed
    /// What an earlier life of a worker sent is taken for the present life's.
    case earlierLife
    /// A restart goes on from a checkpoint with the weights that were current at the crash.
    case mixedCheckpoint
    /// The coordinator's alarm never rings: nobody is ever given up.
    case deafToTime
    /// Every assignment is sent again with each heartbeat.
    case resendStorm
    /// A worker's heartbeats forget what it holds.
    case forgetfulHeartbeats
    /// An audit compares after use: a second copy is taken for the same as what is counted.
    case rubberStamp
    /// What the coordinator found out to be wrong is used all the same.
    case verdictIgnored
    /// The coordinator now and then settles a dispute wrongly, and so blames an honest worker.
    case falseVerdict
    /// Workers are let go before the results are written.
    case earlyRelease
    /// A worker that sums for its group now and then leaves a part out, and says that it did not.
    case partialSum
    /// Every sum of the open step is used, also one that nobody waits for.
    case unaskedSums
    /// What a group has summed is used although the group was given up.
    case abandonedSums
    /// A checkpoint is written before its last step is in the event log.
    case eagerCheckpoint
    /// Workers do not pass pieces of new weights on.
    case lazyRelay
}
