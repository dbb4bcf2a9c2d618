import Coordination
import Messaging

/// What was computed for groups of workers under the present weights, kept in case that a group is given up: then all of it
/// goes to the coordinator.
struct GroupAnswers {
    private struct Answer {
        var outputs: [WorkerEngine.Output] = []
        var isHandedIn = false
    }

    private var answers: [UInt64: Answer] = [:]

    /// An assignment is begun: what was kept of it is made anew.
    mutating func begin(_ assignment: Assignment) {
        if assignment.group != nil { answers[assignment.number] = Answer() }
    }

    /// Keeps what was computed for a group.
    ///
    /// - Returns: whether it goes to the group.
    mutating func keep(_ output: WorkerEngine.Output, of assignment: UInt64) -> Bool {
        guard answers[assignment] != nil else { return false }
        answers[assignment]?.outputs.append(output)
        return answers[assignment]?.isHandedIn == false
    }

    func isForGroup(_ assignment: UInt64) -> Bool { answers[assignment]?.isHandedIn == false }

    /// From now on everything of this assignment goes to the coordinator.
    ///
    /// - Returns: what has been computed so far.
    mutating func handIn(_ assignment: UInt64) -> [WorkerEngine.Output] {
        answers[assignment]?.isHandedIn = true
        return answers[assignment]?.outputs ?? []
    }

    /// Forgets assignments that are not wanted again.
    mutating func keepOnly(_ isWanted: (UInt64) -> Bool) { answers = answers.filter { isWanted($0.key) } }
}
