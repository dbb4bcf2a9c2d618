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

    private static func weights(_ fill: Float, version: Int = 3) -> PublishedWeights {
        let weights = Parameters(layout: layout)
        for entry in layout.entries { weights.values(of: entry).update(repeating: fill) }
        return PublishedWeights(version: WeightsVersion(version), weights)
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
        let taken = intake.complete(sent.version, sent.digest, whole)
        #expect(taken?.payloadDigest == sent.digest.rawValue)
        // Slices that come late, from elsewhere, change nothing, and what completes them may come twice.
        intake.add(slice: 0, of: sent.version, [slices[0]])
        #expect(intake.isFull(sent.version))
        #expect(intake.complete(sent.version, sent.digest, whole)?.buffer === taken?.buffer)
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
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.payloadDigest == sent.digest.rawValue)
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
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.payloadDigest == sent.digest.rawValue)
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
            intake.complete(sent.version, sent.digest, sent.values.wholeFrames)?.payloadDigest == sent.digest.rawValue)
    }

    @Test func newerWeightsBeginAnew() {
        let (early, final) = (Self.weights(2, version: 2), Self.weights(5))
        var intake = WeightsIntake(layout: Self.layout)
        intake.add(slice: 0, of: early.version, [early.values.frame(of: Self.layout.slices[0])])
        for (index, slice) in Self.layout.slices.enumerated() {
            intake.add(slice: index, of: final.version, [final.values.frame(of: slice)])
        }
        let taken = intake.complete(final.version, final.digest, final.values.wholeFrames)
        #expect(taken?.payloadDigest == final.digest.rawValue)
    }
}
