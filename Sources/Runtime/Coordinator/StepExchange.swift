import Common
import Coordination
import Messaging

/// The tensors of the open step on their way in, and of the weights that follow on their way out.
///
/// A slice of the new weights is made, and sent to those who took part in the step, as soon as that slice of every shard's
/// gradient is there; by the time the step is complete, most of the next one's weights have arrived. This is done ahead of
/// any decision: what the coordinator then counts may come from others (a worker died in between, or a copy was
/// faster), and if so everything is made again.
struct StepExchange {
    var intake = SliceIntake()
    /// Whose contributions the new weights are being made from.
    private var sources: [TreeNode: SliceIntake.Origin]?
    /// How many slices of the new weights have been begun.
    private(set) var begun = 0
    private let shards: Int
    /// By slice, which pieces it has.
    private let pieces: [Range<Int>]
    /// What a group of workers has summed, by piece.
    private var sums: [Int: TensorFrame] = [:]
    /// Counts the times that the making of new weights has begun: what was made of an earlier one is of no use.
    private(set) var attempt = 0
    /// Weights of which slices went out by way of a group.
    private var passedOn: WeightsVersion?
    /// Slices of the next weights that a worker has been sent.
    private var sent: [Incarnation: (version: WeightsVersion, count: Int)] = [:]

    init(shards: Int, pieces: [Range<Int>]) {
        (self.shards, self.pieces) = (shards, pieces)
    }

    /// The gradient of the next slice, if all of it is there; it counts as begun then.
    mutating func nextSlice() -> SliceGradients? {
        guard begun < pieces.count else { return nil }
        let summed = pieces[begun].compactMap { sums[$0] }
        if summed.count == pieces[begun].count {
            advance()
            return .summed(summed)
        }
        if sources == nil { sources = intake.cover(shards: shards) }
        guard let sources else { return nil }
        var frames: [TreeNode: TensorFrame] = [:]
        for (node, origin) in sources {
            guard let received = intake.received[origin.key], received.origin == origin, received.frames.count > begun
            else { return nil }
            frames[node] = received.frames[begun]
        }
        advance()
        return .byNode(frames)
    }

    private mutating func advance() {
        // What was sent of earlier weights is of no use any more.
        if begun == 0 { sent = [:] }
        begun += 1
    }

    /// Takes what a group has summed.
    mutating func add(_ sum: TensorFrame, of piece: Int) { sums[piece] = sum }

    /// Forgets what groups have summed and what was made of that.
    mutating func dropSums() {
        sums = [:]
        sent = [:]
        begun = 0
        attempt += 1
    }

    /// Those who take part in the open step, and so probably in the next.
    var participants: Set<Incarnation> { Set(intake.received.keys.map(\.incarnation)) }

    /// Ends the step.
    ///
    /// - Returns: whether what has been made of the new weights came from what counts; otherwise it has been forgotten here.
    mutating func complete(with kept: [TreeNode: KeptContribution]) -> Bool {
        // That sums are of what counts has been seen to already.
        let agrees = begun == 0 || !sums.isEmpty || sources == kept.mapValues(\.origin)
        if !agrees {
            sent = [:]
            attempt += 1
        }
        intake.removeAll()
        sums = [:]
        sources = nil
        begun = 0
        return agrees
    }

    /// The step is not over after all, and what has been sent of the weights behind it is of no use.
    mutating func reopen() {
        sent = [:]
        attempt += 1
    }

    /// How many slices of these weights a worker has been sent.
    func sent(of version: WeightsVersion, to incarnation: Incarnation) -> Int {
        sent[incarnation].map { $0.version == version ? $0.count : 0 } ?? 0
    }

    /// Whether a worker gets slices of these weights from others.
    func isPassedOn(_ version: WeightsVersion, to incarnation: Incarnation) -> Bool {
        passedOn == version && sent(of: version, to: incarnation) > 0
    }

    /// Slices were sent to members of a group, who pass them on to the others.
    mutating func recordPassedOn(_ count: Int, of version: WeightsVersion, in group: ReductionGroup) {
        passedOn = version
        for member in group.members { recordSent(count, of: version, to: member.life) }
    }

    mutating func recordSent(_ count: Int, of version: WeightsVersion, to incarnation: Incarnation) {
        sent[incarnation] = (version, count)
    }

    /// The weights are complete at this worker, or are to be sent to it again.
    mutating func forgetSent(to incarnation: Incarnation) { sent[incarnation] = nil }
}
