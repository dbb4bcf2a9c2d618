import Common
import Coordination

/// Who belongs to the run, as the event log tells it: work goes to ready workers alone, nothing counts from a life that was
/// given up or from another epoch, and the run gives up when and only when too few workers were there for long enough.
struct MembershipChecker {
    private enum Standing {
        case joined
        case ready
        case draining
    }

    private let minWorkers: Int
    private let workerWait: Duration
    private var members: [Incarnation: (name: String, standing: Standing)] = [:]
    private var givenUp: Set<Incarnation> = []
    private var numbers: [UInt64: Incarnation] = [:]
    private var started = false
    private var shortSince: Instant?
    /// Whether too few workers have been there for long enough.
    private(set) var mayGiveUp = false

    init(minWorkers: Int, workerWait: Duration) {
        self.minWorkers = minWorkers
        self.workerWait = workerWait
    }

    mutating func restart(at now: Instant, needing workers: Int) {
        self = MembershipChecker(minWorkers: workers, workerWait: workerWait)
        shortSince = now
    }

    mutating func recorded(_ event: RunEvent, at now: Instant) throws(Violation) {
        switch event {
        case .workerJoined(let name, let life, _):
            guard !givenUp.contains(life) else { throw Violation("\(name) comes back in a life that was given up") }
            guard members[life] == nil, !members.values.contains(where: { $0.name == name }) else {
                throw Violation("\(name) joined twice")
            }
            members[life] = (name, .joined)
        case .workerReady(let name, let life):
            guard members[life]?.standing == .joined else { throw Violation("\(name) is ready without having joined") }
            members[life]!.standing = .ready
        case .workerDraining(let name, let life, _):
            guard members[life] != nil else { throw Violation("\(name) leaves without having joined") }
            members[life]!.standing = .draining
        case .workerLeft(let name, let life), .workerLost(let name, let life, _):
            guard members.removeValue(forKey: life) != nil else { throw Violation("\(name) is gone a second time") }
            givenUp.insert(life)
        case .workerRefused(_, let life, _):
            if members.removeValue(forKey: life) != nil { givenUp.insert(life) }
        default: break
        }
    }

    /// The first sending goes to a ready worker; a repeated one may reach it while it drains, but it is the same worker.
    ///
    /// - Returns: whether it is the first sending.
    mutating func assigned(_ assignment: Assignment, to life: Incarnation) throws(Violation) -> Bool {
        let first = numbers.updateValue(life, forKey: assignment.number)
        guard first == nil || first == life else { throw Violation("\(assignment) goes to a second worker") }
        switch members[life]?.standing {
        case .ready: break
        case .draining where first != nil: break
        case .draining: throw Violation("\(assignment) goes to a worker that leaves")
        case .joined: throw Violation("\(assignment) goes to a worker that is loading")
        case nil: throw Violation("\(assignment) goes to a worker that is not there")
        }
        return first == nil
    }

    /// A contribution or a sum counts.
    func kept(_ letter: WorkerLetter, epoch: Epoch) throws(Violation) {
        guard letter.epoch == epoch else {
            throw Violation("\(letter.message) counts in epoch \(epoch), sent in \(letter.epoch)")
        }
        guard letter.header.incarnation == letter.sender else {
            throw Violation("\(letter.message) of an earlier life counts for a later one")
        }
        guard members[letter.sender] != nil else { throw Violation("\(letter.message) counts, from a worker given up") }
    }

    /// After every event of the coordinator.
    mutating func stepped(_ event: CoordinatorEvent, outcome: Outcome?, at now: Instant) throws(Violation) {
        let isShortForLong = shortSince.map { now >= $0 + workerWait } ?? false
        if isShortForLong, outcome != nil { mayGiveUp = true }
        if isShortForLong, outcome == nil, case .tick = event {
            throw Violation("too few workers since \(shortSince!.told), and the run goes on waiting")
        }
        let ready = members.values.count { $0.standing == .ready }
        if ready >= (started ? 1 : minWorkers) {
            started = true
            shortSince = nil
        } else if shortSince == nil {
            shortSince = now
        }
    }
}
