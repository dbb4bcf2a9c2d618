import Coordination

/// Something that goes wrong, or at least changes, at one moment of a run. Whom it strikes is drawn when it does.
enum Fault: Sendable {
    /// Kills a worker process.
    case crashWorker(Comeback)
    /// SIGSTOP, and SIGCONT after a while: everything waits and is then handled in order.
    case pauseWorker(Duration)
    case slowWorker(factor: Int, Duration)
    /// A worker computes this fraction of its contributions wrongly from now on, and sends the digest of what it has.
    case corruptWorker(fraction: Double)
    /// SIGTERM.
    case drainWorker(Comeback)
    case addWorker
    /// A worker that must not be let in.
    case addStranger(Stranger)
    /// A worker with the name of another.
    case addNamesake
    /// Kills all worker processes.
    case crashAllWorkers(Comeback)
    case crashCoordinator(restartAfter: Duration)
    case pauseCoordinator(Duration)
    /// Checkpoints and loading take this many times as long.
    case slowDisk(factor: Int, Duration)
    case partition(Partition, holding: Bool, Duration)
    /// Letters of one worker take this much longer.
    case clog(delay: Duration, Duration)
    /// From now on until faults end, all letters of one worker take this much longer: a link of a few kilobytes a second.
    case slowLink(delay: Duration)
    /// Letters sent long ago arrive once more.
    case replay(Int)
    /// A person stops the run.
    case stopRun
    /// The coordinator's disk cannot be written any more.
    case breakDisk
}

/// What follows the end of a worker process.
enum Comeback: Sendable {
    case never
    case sameName(after: Duration)
    case newName(after: Duration)
}

/// What makes a worker one that cannot be let in.
enum Stranger: String, CaseIterable, Sendable {
    case otherVersion
    case otherProtocol
    case otherLibrary
    case otherRun
    case otherRounding
}

/// Which links are cut.
enum Partition: Sendable, CaseIterable {
    /// One worker, both ways.
    case worker
    /// One worker is heard, but hears nothing.
    case deaf
    /// One worker hears, but is not heard.
    case mute
    /// One direction of one channel of one worker.
    case singleLink
    /// All workers, both ways; they reach each other.
    case coordinator
    /// Two workers, which do not reach each other, and do reach the coordinator.
    case peers
    /// One of two workers does not reach the other.
    case deafPeer

    var isBetweenWorkers: Bool { self == .peers || self == .deafPeer }
}

/// Every kind of trouble, for counting.
public enum Trouble: String, CaseIterable, Sendable {
    case letterLost = "letters lost"
    case letterDoubled = "letters doubled"
    case letterOvertaken = "letters overtaken"
    case letterReplayed = "old letters replayed"
    case letterCut = "letters lost in partitions"
    case letterHeld = "letters held by partitions"
    case partition = "partitions"
    case oneWayPartition = "one-way partitions"
    case peerPartition = "partitions between two workers"
    case clog = "clogged workers"
    case slowLink = "workers with a slow link"
    case workerCrash = "worker crashes"
    case workerCrashWithinStep = "worker crashes between two directives"
    case endSeen = "worker crashes that the launcher saw"
    case workerPause = "worker pauses"
    case slowWorker = "workers slowed down"
    case lie = "contributions computed wrongly"
    case drain = "drains"
    case lateWorker = "workers added"
    case stranger = "strangers"
    case namesake = "namesakes"
    case massCrash = "crashes of all workers"
    case coordinatorCrash = "coordinator crashes"
    case coordinatorCrashWithinStep = "coordinator crashes between two directives"
    case coordinatorPause = "coordinator pauses"
    case slowDisk = "slow disks"
    case checkpointLost = "unsynced checkpoints lost"
    case checkpointTorn = "torn checkpoints"
    case stop = "stops"
    case brokenDisk = "broken disks"
}
