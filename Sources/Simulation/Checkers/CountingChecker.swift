import Common
import Coordination

/// Each shard counts exactly once in each piece of work, pieces of work come in their order, and everything that is
/// computed has the bits of the undisturbed run.
///
/// It knows nothing of the coordinator's ledger: it looks at what the coordinator keeps.
struct CountingChecker {
    private let reference: ReferenceRun
    private let audit: AuditPlan
    /// What has to be done next.
    private var expected: Work?
    private var isReducing = false
    private var timesCounted: [Int]
    /// To whom each shard was given last.
    private var holders: [Incarnation?]
    private var featureSumsWanted = true
    /// Counted nodes of the open work that are not what they should be: of no harm until they are used.
    private var wrong: Set<TreeNode> = []
    /// A wrong node that was not to be audited has been used: from here on the bits are those of another run.
    private(set) var isSpoilt = false
    /// The last step that was taken, by any start of the coordinator.
    private(set) var lastStep: StepIndex?
    /// The workers that sum the open step, as its assignments say.
    private var group: ReductionGroup?
    /// The open step's group was given up.
    private var isGivenUp = false
    /// Pieces of which a sum is kept, and those among them that are not what they should be.
    private var sums: Set<Int> = []
    private var wrongSums: Set<Int> = []

    init(_ reference: ReferenceRun, audit: AuditPlan) {
        self.reference = reference
        self.audit = audit
        timesCounted = Array(repeating: 0, count: reference.model.shards)
        holders = Array(repeating: nil, count: reference.model.shards)
    }

    /// The coordinator starts, or starts again from a checkpoint.
    mutating func restart(at round: RoundIndex) {
        expected = .validate(round)
        isReducing = false
        featureSumsWanted = true
        clear()
    }

    func isOpen(_ work: Work) -> Bool { work == expected && !isReducing }

    mutating func assigned(_ assignment: Assignment, to life: Incarnation) throws(Violation) {
        guard isOpen(assignment.work) else { throw Violation("assigned \(assignment), expected is \(told)") }
        let (weights, selection) = reference.input(of: assignment.work)
        guard assignment.weights == weights, assignment.selection == selection || isSpoilt else {
            throw Violation("\(assignment) has other weights or another selection than the undisturbed run")
        }
        guard !assignment.shards.isEmpty, zip(assignment.shards, assignment.shards.dropFirst()).allSatisfy(<) else {
            throw Violation("\(assignment) has no ascending shards")
        }
        if case .validate = assignment.work, assignment.featureSums != featureSumsWanted {
            throw Violation("\(assignment) \(featureSumsWanted ? "lacks" : "has") feature sums")
        }
        for shard in assignment.shards { holders[shard.rawValue] = life }
        guard let named = assignment.group else { return }
        guard !isGivenUp, group == nil || group == named, named.contains(life), named.members.count > 1 else {
            throw Violation("\(assignment) is for a group that does not sum \(told), or not with this worker")
        }
        group = named
    }

    /// - Parameter mayBeWrong: some worker computes wrongly.
    mutating func kept(
        _ node: TreeNode, _ contribution: Contribution, _ tensors: Tensors, mayBeWrong: Bool = false
    ) throws(Violation) {
        guard isOpen(contribution.work), node == contribution.node else {
            throw Violation("counted \(contribution), expected is \(told)")
        }
        for shard in node.lower..<node.upper {
            timesCounted[shard] += 1
            guard timesCounted[shard] == 1 else { throw Violation("shard \(shard) of \(told) is counted again") }
        }
        guard contribution.pieces.isEmpty == (group == nil) else {
            throw Violation("\(contribution) counts, and its gradient went to who does not sum it")
        }
        let withFeatureSums = if case .validate = contribution.work { featureSumsWanted } else { false }
        guard !isSpoilt else { return }
        let expected = reference.value(of: node, in: contribution.work, withFeatureSums: withFeatureSums)
        if !isRight(contribution, tensors, expected) {
            guard mayBeWrong else { throw Violation("\(contribution) differs from the undisturbed run and counts") }
            wrong.insert(node)
        }
    }

    /// A contribution to a group shows its digests alone.
    private func isRight(_ contribution: Contribution, _ tensors: Tensors, _ expected: Tensors) -> Bool {
        guard !contribution.pieces.isEmpty, case .gradient(let sum) = expected else { return tensors == expected }
        return contribution.pieces == reference.model.pieceDigests(of: sum.gradient) && contribution.loss == sum.loss
    }

    /// A piece, summed by a worker, is kept.
    mutating func keptSum(
        _ sum: PieceSum, _ piece: Model.Parameters, from life: Incarnation, mayBeWrong: Bool
    ) throws(Violation) {
        let work = Work.train(sum.step)
        guard isOpen(work), let group, (0..<reference.model.pieces).contains(sum.index) else {
            throw Violation("a sum of piece \(sum.index) of \(work) is kept, expected is \(told)")
        }
        guard group.reducer(of: sum.index).life == life else {
            throw Violation("piece \(sum.index) of \(told) is kept from a worker that does not sum it")
        }
        guard sums.insert(sum.index).inserted else {
            throw Violation("piece \(sum.index) of \(told) is kept again")
        }
        let root = TreeNode.root(shards: reference.model.shards)
        guard !isSpoilt, case .gradient(let whole) = reference.value(of: root, in: work, withFeatureSums: false),
            piece != reference.model.piece(sum.index, of: whole.gradient)
        else { return }
        guard mayBeWrong else {
            throw Violation("the sum of piece \(sum.index) of \(told) differs from the undisturbed run and is kept")
        }
        wrongSums.insert(sum.index)
    }

    /// The group is given up; what the coordinator keeps all the same shows when the step is taken for complete.
    mutating func droppedSums() {
        isGivenUp = true
        group = nil
        sums = []
        wrongSums = []
    }

    /// What was counted is not to be used.
    mutating func dropped(_ node: TreeNode) throws(Violation) {
        for shard in node.lower..<node.upper {
            guard timesCounted[shard] == 1 else { throw Violation("shard \(shard) is dropped and was not counted") }
            timesCounted[shard] = 0
            holders[shard] = nil
        }
        wrong.remove(node)
    }

    /// A worker that leaves hands over what it was given, and finishes it.
    func drained(_ life: Incarnation) throws(Violation) {
        for shard in holders.indices where holders[shard] == life && timesCounted[shard] == 0 {
            throw Violation("a worker was let go that still had shard \(shard) of \(told)")
        }
    }

    /// The work is taken for complete.
    private mutating func complete(_ work: Work) throws(Violation) {
        guard work == expected else { throw Violation("\(work) ends, expected is \(told)") }
        guard timesCounted.allSatisfy({ $0 == 1 }) else {
            throw Violation("\(work) ends with its shards counted \(timesCounted) times")
        }
        if let lie = wrong.first(where: { audit.contains($0, in: work) }) {
            throw Violation("\(lie) of \(told) is wrong, is audited, and is used")
        }
        if !wrong.isEmpty { isSpoilt = true }
        if !isSpoilt, !wrongSums.isEmpty {
            throw Violation("pieces \(wrongSums.sorted()) of \(told) are wrong, and nothing that they were summed from")
        }
        clear()
        expected = reference.next(after: work)
    }

    mutating func selected(_ selection: Selection) throws(Violation) {
        try complete(.validate(selection.round))
        featureSumsWanted = false
        guard isSpoilt || selection == reference.selections[selection.round.rawValue] else {
            throw Violation("the selection of round \(selection.round) differs from the undisturbed run")
        }
    }

    /// - Parameter summed: pieces that the weights were moved with as workers summed them.
    mutating func stepped(_ result: StepResult, summed: Set<Int>) throws(Violation) {
        guard summed == (group == nil ? [] : Set(0..<reference.model.pieces)), summed == sums else {
            throw Violation(
                "step \(result.step) has sums of the pieces \(summed.sorted()) from workers, which "
                    + (group == nil ? "do not sum it" : "sum it"))
        }
        try complete(.train(result.step))
        lastStep = max(lastStep ?? result.step, result.step)
        guard isSpoilt || result == reference.steps[result.step.rawValue] else {
            throw Violation("step \(result.step) made other weights than the undisturbed run")
        }
    }

    func checkFinished() throws(Violation) {
        if expected != nil { throw Violation("finished before \(told)") }
    }

    private mutating func clear() {
        wrong = []
        (group, isGivenUp, sums, wrongSums) = (nil, false, [], [])
        for shard in timesCounted.indices {
            timesCounted[shard] = 0
            holders[shard] = nil
        }
    }

    private var told: String { expected.map { "\($0)" } ?? "the end" }
}
