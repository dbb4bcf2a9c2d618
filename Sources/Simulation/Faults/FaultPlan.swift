import Coordination

/// Draws the faults of one run.
struct FaultPlan: Sendable {
    /// Faults and when they strike, in order; all before `end`.
    private(set) var faults: [(fault: Fault, time: Instant)] = []
    /// When faults end: links are mended, processes go on, and from here on the run has to finish.
    let end: Instant
    /// Of a process dying while it carries out directives, at each event.
    let crashChance: Double

    private let failureTimeout: Duration

    init(_ settings: Settings, undisturbed: Duration, _ dice: inout Dice) {
        failureTimeout = settings.timing.failureTimeout
        end = .origin + undisturbed * dice.pick([0.4, 0.8, 1.2, 2]) + dice.duration(failureTimeout, failureTimeout * 6)
        guard !settings.isSerene else {
            crashChance = 0
            // Who asks to leave and is let go is no trouble either.
            let time = dice.duration(.zero, undisturbed)
            if dice.chance(0.5) { faults = [(.drainWorker(comeback(&dice)), min(.origin + time, end))] }
            return
        }
        crashChance = dice.pick([0, 0, 0.0005, 0.002])
        let count = dice.pick([0, 1, 2, 3, 5, 8, 13])
        // Some runs suffer from one kind of fault alone, again and again.
        let kinds = count > 3 && dice.chance(0.3) ? [dice.pick(Self.frequencies)] : Self.frequencies
        for _ in 0..<count {
            let time = dice.duration(.zero, end - .origin)
            faults.append((draw(dice.pick(kinds), settings, &dice), .origin + time))
        }
        if dice.chance(0.15) {
            for _ in 0..<dice.pick([1, 1, 1, 2, 5]) {
                let time = dice.duration(.zero, (end - .origin) / 2)
                faults.append((.corruptWorker(fraction: dice.pick([0.05, 0.3, 1])), .origin + time))
            }
        }
        if dice.chance(0.04) {
            let last: Fault = dice.chance(0.5) ? .stopRun : .breakDisk
            faults.append((last, .origin + dice.duration(.zero, end - .origin)))
        }
        faults.sort { $0.time < $1.time }
    }

    /// These faults and no others.
    init(_ faults: [(fault: Fault, time: Instant)], end: Instant, failureTimeout: Duration) {
        (self.faults, self.end, self.failureTimeout, crashChance) = (faults, end, failureTimeout, 0)
    }

    private enum Kind {
        case crash, massCrash, pause, slowness, drain, newcomer, coordinatorCrash, coordinatorPause, slowDisk
        case partition, clog, slowLink, replay
    }

    private static let frequencies: [Kind] = [
        .crash, .crash, .crash, .massCrash, .pause, .pause, .slowness, .slowness, .drain, .drain, .newcomer, .newcomer,
        .coordinatorCrash, .coordinatorCrash, .coordinatorPause, .coordinatorPause, .slowDisk, .partition, .partition,
        .clog, .clog, .slowLink, .replay,
    ]

    private func draw(_ kind: Kind, _ settings: Settings, _ dice: inout Dice) -> Fault {
        let f = failureTimeout
        switch kind {
        case .crash: return .crashWorker(comeback(&dice))
        case .massCrash: return .crashAllWorkers(comeback(&dice))
        case .pause: return .pauseWorker(dice.duration(f / 10, f * 4))
        case .slowness: return .slowWorker(factor: dice.pick([2, 5, 20]), dice.duration(f, f * 10))
        case .drain: return .drainWorker(comeback(&dice))
        case .newcomer:
            switch dice.whole(0...3) {
            case 0: return .addStranger(dice.pick(Stranger.allCases))
            case 1: return .addNamesake
            default: return .addWorker
            }
        case .coordinatorCrash: return .crashCoordinator(restartAfter: dice.duration(f / 20, f * 3))
        case .coordinatorPause: return .pauseCoordinator(dice.duration(f / 10, f * 4))
        case .slowDisk: return .slowDisk(factor: dice.pick([3, 10, 40]), dice.duration(f, f * 10))
        case .partition:
            let areWorkersCut = settings.model.pieces > 0 && dice.chance(0.5)
            let kinds = Partition.allCases.filter { $0.isBetweenWorkers == areWorkersCut }
            return .partition(
                dice.pick(kinds), holding: dice.chance(0.5), dice.duration(f / 10, f * 5))
        case .clog: return .clog(delay: dice.duration(f / 10, f * 3), dice.duration(f, f * 5))
        case .slowLink: return .slowLink(delay: dice.duration(f / 10, f * 10))
        case .replay: return .replay(dice.whole(1...20))
        }
    }

    private func comeback(_ dice: inout Dice) -> Comeback {
        let after = dice.duration(.zero, failureTimeout * 3)
        switch dice.whole(0...4) {
        case 0: return .never
        case 1: return .newName(after: after)
        default: return .sameName(after: after)
        }
    }
}
