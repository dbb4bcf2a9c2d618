import Common

/// How far a group of workers is with summing the gradient of the open step.
struct GroupReduction: Sendable {
    let group: ReductionGroup
    private let pieces: Int
    /// What the sum of each piece was made from.
    private(set) var sums: [Int: [TreeNode: Digest]] = [:]
    /// What contributions that count say of their pieces.
    private var announced: [TreeNode: [Digest]] = [:]
    /// When the last contribution came that counts.
    private(set) var completedAt: Instant?
    /// When the last contribution or sum came.
    private(set) var lastSign: Instant
    /// Assignments that have been answered whole, by worker: should the group fail, the answers are wanted again.
    var answered: [Incarnation: [WorkerRecord.Outstanding]] = [:]

    init(_ group: ReductionGroup, pieces: Int, at now: Instant) {
        (self.group, self.pieces) = (group, pieces)
        lastSign = now
    }

    /// Whether a worker is to send this sum, and has not.
    func awaits(_ index: Int, from life: Incarnation) -> Bool {
        (0..<pieces).contains(index) && sums[index] == nil && group.reducer(of: index).life == life
    }

    mutating func add(_ sum: PieceSum, at now: Instant) {
        sums[sum.index] = sum.parts
        lastSign = now
    }

    mutating func count(_ contribution: Contribution, at now: Instant) {
        announced[contribution.node] = contribution.pieces
        (lastSign, completedAt) = (now, now)
    }

    var isSummed: Bool { sums.count == pieces }

    /// A piece whose sum was made from something else than what counts; asked once all is there.
    var wrongPiece: Int? {
        sums.keys.sorted().first { index in sums[index] != announced.mapValues { $0[index] } }
    }

    /// Nodes whose parts of a piece are not what contributions announce: somebody computes or carries wrongly.
    func doubtfulNodes(of piece: Int) -> [TreeNode] {
        announced.keys.filter { node in sums[piece]?[node].map { $0 != announced[node]?[piece] } ?? false }
            .sorted { $0.lower < $1.lower }
    }
}
