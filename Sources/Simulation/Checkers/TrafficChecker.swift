import Common
import Coordination

/// Nothing grows without bound: sendings of an assignment, sendings of weights, and what a worker says that it holds.
struct TrafficChecker {
    /// The first sending and three repeats, and as many when a group is given up.
    private static let mostSendings = 4

    private let shards: Int
    private var sendings: [Sending: Int] = [:]
    private var assignmentsSent = 0
    private var weightsSent = 0

    private struct Sending: Hashable {
        let number: UInt64
        let isForGroup: Bool
    }

    init(shards: Int) { self.shards = shards }

    mutating func restart() { self = TrafficChecker(shards: shards) }

    mutating func assigned(_ assignment: Assignment) throws(Violation) {
        assignmentsSent += 1
        let sending = Sending(number: assignment.number, isForGroup: assignment.group != nil)
        let number = sendings[sending, default: 0] + 1
        sendings[sending] = number
        guard number <= Self.mostSendings else { throw Violation("\(assignment) is sent for the \(number)th time") }
    }

    /// Weights go out ahead of an assignment that needs them, and for nothing else.
    mutating func sendsWeights() throws(Violation) {
        weightsSent += 1
        guard weightsSent <= assignmentsSent + 1 else {
            throw Violation("weights are sent \(weightsSent) times with \(assignmentsSent) assignments")
        }
    }

    /// A worker holds what it was dealt of the open work, and at most some of the work before.
    func heard(_ message: WorkerMessage) throws(Violation) {
        guard case .heartbeat(let heartbeat) = message, heartbeat.holding.count > 2 * shards + 2 else { return }
        throw Violation("a worker holds \(heartbeat.holding.count) assignments of \(shards) shards")
    }
}
