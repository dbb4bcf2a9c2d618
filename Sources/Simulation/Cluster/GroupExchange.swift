import Common
import Coordination

/// What a worker's shell keeps for the group that it sums with.
struct GroupExchange {
    /// Parts of the pieces that it sums.
    var intake: PartIntake<Model.Parameters>
    /// What assignments for a group gave, under the present weights: it may be wanted again.
    private(set) var outbox: [UInt64: [(contribution: Contribution, tensors: Tensors)]] = [:]
    /// Assignments whose answers go to the coordinator after all.
    private(set) var handedIn: Set<UInt64> = []
    /// The group of the newest step that it knows of.
    private(set) var group: (step: StepIndex, group: ReductionGroup)?
    /// What has come of the newest weights that come in pieces.
    private var pieces: (version: WeightsVersion, values: [Int: Model.Parameters])?
    /// Weights whose pieces are still on their way: the letter that announced them, and assignments that need them.
    private(set) var waiting: (version: WeightsVersion, letters: [CoordinatorLetter])?

    init(shards: Int) { intake = PartIntake(shards: shards) }

    mutating func keep(_ contribution: Contribution, _ tensors: Tensors) {
        outbox[contribution.assignment, default: []].append((contribution, tensors))
    }

    mutating func handIn(_ assignment: UInt64) { handedIn.insert(assignment) }

    /// Weights of another version are there.
    mutating func forgetAnswers() {
        outbox = [:]
        handedIn = []
    }

    mutating func note(_ assignment: Assignment) {
        guard let group = assignment.group, case .train(let step) = assignment.work else { return }
        if self.group.map({ $0.step <= step }) ?? true { self.group = (step, group) }
    }

    /// Whom to pass pieces of these weights on to.
    func receivers(of version: WeightsVersion) -> [ReductionGroup.Member] {
        guard let group, group.step.rawValue + 1 == version.rawValue else { return [] }
        return group.group.members
    }

    mutating func add(_ piece: Model.Parameters, _ index: Int, of version: WeightsVersion) {
        if pieces.map({ $0.version < version }) ?? true { pieces = (version, [:]) }
        if pieces!.version == version { pieces!.values[index] = piece }
    }

    /// The pieces of these weights, if all are there.
    func all(of version: WeightsVersion, count: Int) -> [Int: Model.Parameters]? {
        guard let pieces, pieces.version == version, pieces.values.count == count else { return nil }
        return pieces.values
    }

    mutating func wait(for version: WeightsVersion, _ letter: CoordinatorLetter) {
        if waiting.map({ $0.version < version }) ?? true { waiting = (version, [letter]) }
    }

    mutating func putAside(_ letter: CoordinatorLetter) { waiting?.letters.append(letter) }

    /// - Returns: the letters that waited, in their order.
    mutating func stopWaiting() -> [CoordinatorLetter] {
        defer { waiting = nil }
        return waiting?.letters ?? []
    }
}
