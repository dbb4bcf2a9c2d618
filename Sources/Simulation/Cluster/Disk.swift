import Common
import Coordination

/// Where checkpoints go. One is written after another; what is not synced when the process dies is lost, or, if it was just
/// being renamed into place, may be there.
struct Disk {
    private struct Checkpoint {
        let start: RoundStart
        let durableAt: Instant
        /// Lines of the event log that were durable before it.
        var loggedSteps = 0
    }

    enum Loss {
        case none
        /// A checkpoint that was being written is gone.
        case unsynced
        /// The newest one cannot be read, and the one before it is used.
        case torn
    }

    var slowness = 1
    var log = EventFile()
    private var checkpoints: [Checkpoint]
    private var dice: Dice

    init(head: RoundStart, dice: Dice) {
        checkpoints = [Checkpoint(start: head, durableAt: .origin)]
        self.dice = dice
    }

    mutating func write(_ start: RoundStart, taking time: Duration, at now: Instant) {
        let begins = max(now, checkpoints.last!.durableAt)
        checkpoints.append(
            Checkpoint(start: start, durableAt: begins + time * slowness, loggedSteps: log.sync()))
    }

    /// The process that wrote has died, or the machine that it ran on.
    mutating func crash(at now: Instant) -> Loss {
        if dice.chance(0.3) { log.crash(&dice) }
        guard let unsynced = checkpoints.firstIndex(where: { $0.durableAt > now }) else { return .none }
        let survivor = checkpoints[unsynced]
        checkpoints.removeSubrange(unsynced...)
        if dice.chance(0.3) {
            checkpoints.append(
                Checkpoint(start: survivor.start, durableAt: now, loggedSteps: survivor.loggedSteps))
            return .none
        }
        return .unsynced
    }

    /// What a restart goes on from.
    ///
    /// - Throws: when the event log does not reach as far as the checkpoint says, so that production would refuse to go on.
    mutating func restore() throws(Violation) -> (start: RoundStart, loss: Loss) {
        let isTorn = checkpoints.count > 1 && dice.chance(0.05)
        if isTorn { checkpoints.removeLast() }
        let newest = checkpoints.last!
        guard log.steps.count >= newest.loggedSteps else {
            throw Violation(
                "the checkpoint of round \(newest.start.round) is durable, and of the \(newest.loggedSteps) steps that "
                    + "were logged before it \(log.steps.count)")
        }
        return (newest.start, isTorn ? .torn : .none)
    }
}
