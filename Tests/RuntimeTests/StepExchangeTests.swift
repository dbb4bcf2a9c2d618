import Common
import Coordination
import Messaging
import SelMix
import Testing
import Training

@testable import Runtime

/// Slices that arrive before anything counts.
@Suite struct StepExchangeTests {
    /// Two slices of 256 rows, and the bias.
    private static let layout = ParameterLayout.linearHead(classes: 512, dimension: 1024)
    private static let (first, second) = (Incarnation(rawValue: 1), Incarnation(rawValue: 2))

    private static func frame(_ index: Int, fill: Float) -> TensorFrame {
        let slice = layout.slices[index]
        let buffer = AlignedBuffer(byteCount: slice.count * 4)
        buffer.floats().update(repeating: fill)
        return layout.frame(of: slice, .float32, in: buffer)
    }

    private static func add(
        _ index: Int, _ node: TreeNode, _ assignment: UInt64, from worker: Incarnation, fill: Float = 1,
        to exchange: inout StepExchange
    ) throws {
        try exchange.intake.add(
            ContributionSlice(assignment: assignment, node: node, index: index), [frame(index, fill: fill)],
            from: worker, layout: layout, .float32)
    }

    private static func kept(_ origin: SliceIntake.Origin) -> KeptContribution {
        KeptContribution(
            payload: .gradient(GradientFrames()), loss: 0, digest: Digest(rawValue: 0), origin: origin, giver: "",
            arrival: .origin)
    }

    private static func origin(
        _ node: TreeNode, _ assignment: UInt64, _ worker: Incarnation, sending: Int = 0
    ) -> SliceIntake.Origin {
        SliceIntake.Origin(
            key: .init(incarnation: worker, assignment: assignment, node: node), sending: sending)
    }

    private static func expect(
        _ exchange: inout StepExchange, begins: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let next = exchange.nextSlice()
        #expect((next != nil) == begins, sourceLocation: sourceLocation)
    }

    @Test func aSliceIsBegunWhenAllShardsHaveIt() throws {
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        let (left, right) = (TreeNode(0, 4), TreeNode(4, 8))
        try Self.add(0, left, 1, from: Self.first, to: &exchange)
        Self.expect(&exchange, begins: false)
        try Self.add(0, right, 2, from: Self.second, to: &exchange)
        let begun = exchange.nextSlice()
        guard case .byNode(let frames) = begun else { throw Unexpected() }
        #expect(Set(frames.keys) == [left, right])
        let none = exchange.nextSlice()
        #expect(none == nil && exchange.begun == 1)
        try Self.add(1, right, 2, from: Self.second, to: &exchange)
        Self.expect(&exchange, begins: false)
        try Self.add(1, left, 1, from: Self.first, to: &exchange)
        let last = exchange.nextSlice()
        #expect(last != nil && exchange.begun == 2)
        Self.expect(&exchange, begins: false)
        let kept = [
            left: Self.kept(Self.origin(left, 1, Self.first)), right: Self.kept(Self.origin(right, 2, Self.second)),
        ]
        let agrees = exchange.complete(with: kept)
        #expect(agrees)
        #expect(exchange.begun == 0 && exchange.intake.received.isEmpty)
    }

    @Test func whatWasMadeFromOthersThanCountIsForgotten() throws {
        let root = TreeNode(0, 8)
        for other in [Self.origin(root, 2, Self.second), Self.origin(root, 1, Self.first, sending: 1)] {
            var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
            try Self.add(0, root, 1, from: Self.first, to: &exchange)
            Self.expect(&exchange, begins: true)
            exchange.recordSent(1, of: WeightsVersion(7), to: Self.first)
            let agrees = exchange.complete(with: [root: Self.kept(other)])
            #expect(!agrees)
            #expect(exchange.sent(of: WeightsVersion(7), to: Self.first) == 0)
        }
    }

    /// A worker that is asked again sends again from the first slice: what had been begun waits, and is made anew.
    @Test func aSecondSendingDoesNotMixWithTheFirst() throws {
        let root = TreeNode(0, 8)
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        try Self.add(0, root, 1, from: Self.first, to: &exchange)
        Self.expect(&exchange, begins: true)
        try Self.add(0, root, 1, from: Self.first, fill: 2, to: &exchange)
        try Self.add(1, root, 1, from: Self.first, fill: 2, to: &exchange)
        Self.expect(&exchange, begins: false)
        let agrees = exchange.complete(with: [root: Self.kept(Self.origin(root, 1, Self.first, sending: 1))])
        #expect(!agrees)
    }

    private struct Unexpected: Error {}

    @Test func sumsOfAGroupAreUsedInOrder() throws {
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        let sums = (0..<2).map { Self.layout.pieces(of: $0, Self.frame($0, fill: 1)) }
        for (index, piece) in sums[1].enumerated() { exchange.add(piece, of: 8 + index) }
        for (index, piece) in sums[0].enumerated() {
            Self.expect(&exchange, begins: false)
            exchange.add(piece, of: index)
        }
        let next = exchange.nextSlice()
        guard case .summed(let frames) = next else { throw Unexpected() }
        #expect(frames.map(\.digest) == sums[0].map(\.digest))
        Self.expect(&exchange, begins: true)
        let root = TreeNode.root(shards: 8)
        let agrees = exchange.complete(with: [root: Self.kept(Self.origin(root, 1, Self.first))])
        #expect(agrees)
        Self.expect(&exchange, begins: false)
    }

    @Test func afterAGroupIsGivenUpNothingOfItIsUsed() throws {
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        let group = ReductionGroup(members: [Self.first, Self.second].map { .init(life: $0, address: "") })
        for (index, piece) in Self.layout.pieces(of: 0, Self.frame(0, fill: 1)).enumerated() {
            exchange.add(piece, of: index)
        }
        Self.expect(&exchange, begins: true)
        let version = WeightsVersion(1)
        exchange.recordPassedOn(1, of: version, in: group)
        #expect(exchange.sent(of: version, to: Self.second) == 1 && exchange.isPassedOn(version, to: Self.second))
        let attempt = exchange.attempt
        exchange.dropSums()
        #expect(exchange.attempt != attempt)
        #expect(exchange.sent(of: version, to: Self.second) == 0 && !exchange.isPassedOn(version, to: Self.second))
        Self.expect(&exchange, begins: false)
        let root = TreeNode.root(shards: 8)
        try Self.add(0, root, 1, from: Self.first, to: &exchange)
        Self.expect(&exchange, begins: true)
    }

    @Test func slicesComeInOrderAndFit() throws {
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        let root = TreeNode(0, 8)
        #expect(throws: SelMixError.self) { try Self.add(1, root, 1, from: Self.first, to: &exchange) }
        try Self.add(0, root, 1, from: Self.first, to: &exchange)
        #expect(throws: SelMixError.self) {
            try exchange.intake.add(
                ContributionSlice(assignment: 1, node: root, index: 1), [Self.frame(0, fill: 1)], from: Self.first,
                layout: .linearHead(classes: 400, dimension: 1024), .float32)
        }
        #expect(throws: SelMixError.self) {
            try exchange.intake.add(
                ContributionSlice(assignment: 1, node: root, index: 1), [Self.frame(1, fill: 1)], from: Self.first,
                layout: Self.layout, .bfloat16)
        }
        #expect(exchange.intake.received.values.map(\.frames.count) == [1])
    }

    @Test func aContributionNeedsAllItsSlicesAndItsDigest() throws {
        let root = TreeNode(0, 8)
        let bias = AlignedBuffer(byteCount: 512 * 4, zeroed: true)
        let whole = [TensorFrame(name: "bias", type: .float32, shape: [512], bytes: bias.bytes, owner: bias)]
        let frames = [Self.frame(0, fill: 1), Self.frame(1, fill: 1)]
        let pieces = frames.indices.flatMap { Self.layout.digests(of: $0, frames[$0]) }
        let digest = (pieces + whole.map(\.digest)).combined
        func contribution(_ digest: UInt64) -> Contribution {
            Contribution(
                assignment: 1, work: .train(StepIndex(0)), weights: WeightsVersion(0),
                selection: Digest(rawValue: 0), node: root, digest: Digest(rawValue: digest), loss: 0)
        }
        var exchange = StepExchange(shards: 8, pieces: Self.layout.piecesOfSlice)
        let key = Self.origin(root, 1, Self.first).key
        func gradient(_ digest: UInt64) throws -> GradientFrames {
            try exchange.intake.gradient(of: contribution(digest), key, whole, layout: Self.layout, .float32).frames
        }
        try Self.add(0, root, 1, from: Self.first, to: &exchange)
        #expect(throws: SelMixError.self) { try gradient(digest) }
        try Self.add(1, root, 1, from: Self.first, to: &exchange)
        #expect(throws: SelMixError.self) { try gradient(digest ^ 1) }
        #expect(try gradient(digest).slices.count == 2)
    }
}

/// Weights on their way into a worker.
@Suite struct WeightsIntakeTests {
    private static let layout = ParameterLayout.linearHead(classes: 512, dimension: 1024)

    private struct Sent {
        let version: WeightsVersion
        let values: PackedParameters
        let digest: Digest
    }

    private static func weights(_ fill: Float, version: Int = 3) -> Sent {
        let weights = Parameters(layout: layout)
        for entry in layout.entries { weights.values(of: entry).update(repeating: fill) }
        let head = PublishedHead(weights)
        return Sent(version: WeightsVersion(version), values: head.values, digest: head.digest)
    }

    @Test func onlyWholeAndUndamagedWeightsAreTaken() {
        let sent = Self.weights(2)
        let slices = Self.layout.slices.map { sent.values.frame(of: $0) }
        let whole = sent.values.wholeFrames
        var intake = WeightsIntake(layout: Self.layout)
        func complete(_ version: WeightsVersion, _ digest: Digest) -> Bool {
            intake.complete(version, digest, whole) != nil
        }
        #expect(!complete(sent.version, sent.digest))
        intake.add(slice: 0, of: sent.version, [slices[0]])
        #expect(!complete(sent.version, sent.digest))
        // What is not complete when it should be comes again from the beginning.
        func addAll() {
            for (index, slice) in slices.enumerated() { intake.add(slice: index, of: sent.version, [slice]) }
        }
        addAll()
        #expect(!complete(WeightsVersion(4), sent.digest))
        #expect(!complete(sent.version, Digest(rawValue: sent.digest.rawValue ^ 1)))
        addAll()
        // Of an earlier version: dropped.
        intake.add(slice: 1, of: WeightsVersion(2), [slices[0]])
        let taken = intake.complete(sent.version, sent.digest, whole)?.first
        #expect(taken?.payloadDigest == sent.digest.rawValue)
        // Slices that come late, from elsewhere, change nothing, and what completes them may come twice.
        intake.add(slice: 0, of: sent.version, [slices[0]])
        #expect(intake.isFull(sent.version))
        #expect(intake.complete(sent.version, sent.digest, whole)?.first?.buffer === taken?.buffer)
    }

    @Test func slicesMayComeInAnyOrderAndTwice() {
        let sent = Self.weights(2)
        let slices = Self.layout.slices.map { sent.values.frame(of: $0) }
        var intake = WeightsIntake(layout: Self.layout)
        #expect(intake.add(slice: 1, of: sent.version, [slices[1]])?.slices == 0..<0)
        #expect(intake.add(slice: 1, of: sent.version, [slices[1]]) == nil)
        #expect(!intake.isFull(sent.version))
        #expect(intake.add(slice: 0, of: sent.version, [slices[0]])?.slices == 0..<2)
        #expect(intake.isFull(sent.version))
        #expect(
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.first?.payloadDigest
                == sent.digest.rawValue)
    }

    @Test func aSliceMayComeInPieces() {
        let sent = Self.weights(2)
        let slices = Self.layout.slices.map { sent.values.frame(of: $0) }
        var intake = WeightsIntake(layout: Self.layout)
        intake.add(slice: 1, of: sent.version, [slices[1]])
        for (index, piece) in Self.layout.pieces(of: 0, slices[0]).enumerated().reversed() {
            #expect(!intake.isFull(sent.version))
            #expect(intake.add(piece: index, of: sent.version, [piece])?.slices == (index == 0 ? 0..<2 : 0..<0))
        }
        #expect(
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.first?.payloadDigest
                == sent.digest.rawValue)
    }

    /// One of two different copies of a slice is damaged; which one, only the digest of all tells.
    @Test func aSliceThatDiffersBeginsAnew() {
        let (damaged, sent) = (Self.weights(2), Self.weights(5))
        let slices = Self.layout.slices.map { sent.values.frame(of: $0) }
        var intake = WeightsIntake(layout: Self.layout)
        intake.add(slice: 0, of: sent.version, [damaged.values.frame(of: Self.layout.slices[0])])
        let first = intake.add(slice: 0, of: sent.version, [slices[0]])
        #expect(first?.slices == 0..<1)
        // What was computed from the damaged one is known by its memory.
        #expect(intake.add(slice: 1, of: sent.version, [slices[1]])?.values.buffer === first?.values.buffer)
        #expect(
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.first?.payloadDigest
                == sent.digest.rawValue)
    }

    @Test func newerWeightsBeginAnew() {
        let (early, final) = (Self.weights(2, version: 2), Self.weights(5))
        var intake = WeightsIntake(layout: Self.layout)
        intake.add(slice: 0, of: early.version, [early.values.frame(of: Self.layout.slices[0])])
        for (index, slice) in Self.layout.slices.enumerated() {
            intake.add(slice: index, of: final.version, [final.values.frame(of: slice)])
        }
        let taken = intake.complete(final.version, final.digest, final.values.wholeFrames)?.first
        #expect(taken?.payloadDigest == final.digest.rawValue)
    }

    // MARK: Several heads

    private static func send(_ head: Sent, as index: Int, of version: Int, to intake: inout WeightsIntake) {
        for (slice, place) in layout.slices.enumerated() {
            intake.add(
                slice: slice, of: WeightsVersion(version), head: index, [head.values.frame(of: place)])
        }
    }

    private static func fills(_ heads: [PackedParameters]?) -> [Float]? {
        heads?.map { $0.pointer(at: 0).assumingMemoryBound(to: Float.self).pointee }
    }

    /// A step changes one head; who sat steps out gets the heads that these trained, and who joins all.
    @Test func headsThatWereTrainedFollowWhatIsHeld() {
        let heads = (0..<5).map { Self.weights(Float($0)) }
        func digest(_ included: [Int]) -> Digest { .ofHeads(included.map { heads[$0].digest }) }
        func whole(_ included: [Int]) -> [TensorFrame] { included.flatMap { heads[$0].values.wholeFrames } }
        var intake = WeightsIntake(layout: Self.layout, heads: 3)
        for index in 0..<3 { Self.send(heads[index], as: index, of: 5, to: &intake) }
        let all = intake.complete(WeightsVersion(5), digest([0, 1, 2]), whole([0, 1, 2]))
        #expect(Self.fills(all) == [0, 1, 2])

        // Step 5 trained head 2.
        Self.send(heads[3], as: 2, of: 6, to: &intake)
        #expect(intake.isFull(WeightsVersion(6)))
        let next = intake.complete(WeightsVersion(6), digest([3]), whole([3]), after: WeightsVersion(5))
        #expect(Self.fills(next) == [0, 1, 3])

        // Steps 6 and 7 trained heads 0 and 1.
        Self.send(heads[4], as: 0, of: 8, to: &intake)
        Self.send(heads[2], as: 1, of: 8, to: &intake)
        let later = intake.complete(WeightsVersion(8), digest([4, 2]), whole([4, 2]), after: WeightsVersion(6))
        #expect(Self.fills(later) == [4, 2, 3])
        // The same again, as a whole this time.
        let again = intake.complete(WeightsVersion(8), digest([4, 2, 3]), whole([4, 2, 3]))
        #expect(Self.fills(again) == [4, 2, 3])
    }

    @Test func whatFollowsOtherWeightsIsDropped() {
        let heads = (0..<3).map { Self.weights(Float($0)) }
        var intake = WeightsIntake(layout: Self.layout, heads: 2)
        Self.send(heads[0], as: 0, of: 1, to: &intake)
        let (digest, whole) = (heads[0].digest, heads[0].values.wholeFrames)
        // Nothing is held.
        #expect(intake.complete(WeightsVersion(1), digest, whole, after: WeightsVersion(0)) == nil)
        for index in 0..<2 { Self.send(heads[index], as: index, of: 4, to: &intake) }
        let both = heads[0].values.wholeFrames + heads[1].values.wholeFrames
        let ofBoth = Digest.ofHeads([heads[0].digest, heads[1].digest])
        #expect(intake.complete(WeightsVersion(4), ofBoth, both) != nil)
        // Version 5 is missing.
        Self.send(heads[2], as: 1, of: 6, to: &intake)
        #expect(
            intake.complete(
                WeightsVersion(6), heads[2].digest, heads[2].values.wholeFrames, after: WeightsVersion(5)) == nil)
        // A head that no run of two has.
        #expect(
            intake.add(
                slice: 0, of: WeightsVersion(7), head: 2, [heads[2].values.frame(of: Self.layout.slices[0])]) == nil)
    }
}
