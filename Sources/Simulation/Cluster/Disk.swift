import Common
import Coordination

/// Where checkpoints go. One is written after another; what is not synced when the process dies is lost, or, if it was just
/// being renamed into place, may be there.
struct Disk {
    private struct Checkpoint {
        let start: RoundStart
        let durableAt: Instant
    }

    enum Loss {
        case none
        /// A checkpoint that was being written is gone.
        case unsynced
        /// The newest one cannot be read, and the one before it is used.
        case torn
    }

    var slowness = 1
    private var checkpoints: [Checkpoint]
    private var dice: Dice

    init(head: RoundStart, dice: Dice) {
        checkpoints = [Checkpoint(start: head, durableAt: .origin)]
        self.dice = dice
    }

    mutating func write(_ start: RoundStart, taking time: Duration, at now: Instant) {
        let begins = max(now, checkpoints.last!.durableAt)
        checkpoints.append(Checkpoint(start: start, durableAt: begins + time * slowness))
    }

    /// The process that wrote has died.
    mutating func crash(at now: Instant) -> Loss {
        guard let unsynced = checkpoints.firstIndex(where: { $0.durableAt > now }) else { return .none }
        let survivor = checkpoints[unsynced].start
        checkpoints.removeSubrange(unsynced...)
        if dice.chance(0.3) {
            checkpoints.append(Checkpoint(start: survivor, durableAt: now))
            return .none
        }
        return .unsynced
    }

    /// What a restart goes on from.
    mutating func restore() -> (start: RoundStart, loss: Loss) {
        guard checkpoints.count > 1, dice.chance(0.05) else { return (checkpoints.last!.start, .none) }
        checkpoints.removeLast()
        return (checkpoints.last!.start, .torn)
    }
}
