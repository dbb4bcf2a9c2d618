import Common
import Coordination
import Foundation
import Messaging
import SelMix
import Synchronization
import Testing
import Training

@testable import Runtime

/// Workers that sum pieces of a gradient for each other, over real sockets.
@Suite(.timeLimit(.minutes(2))) final class PeerExchangeTests {
    private static let layout = ParameterLayout.linearHead(classes: 512, dimension: 1024)
    private static let (left, right) = (TreeNode(0, 4), TreeNode(4, 8))

    /// What workers post, by the life of who posts.
    private final class Sums: Sendable {
        let all = Mutex<[UInt64: [PeerExchange.Sum]]>([:])
    }

    private let folder: SocketDirectory
    private let sums = Sums()

    init() throws { folder = try SocketDirectory() }

    private struct Unexpected: Error {}

    private func header(_ life: UInt64, epoch: UInt64 = 1) -> Header {
        Header(
            runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: epoch), worker: "w\(life)",
            incarnation: Incarnation(rawValue: life))
    }

    private func exchange(_ life: UInt64, pair: CurveKeyPair? = nil) throws -> PeerExchange {
        try PeerExchange(
            listeningOn: pair == nil ? folder.address("\(life)") : "tcp://127.0.0.1:*", pair: pair,
            layout: Self.layout, shards: 8, precision: .float32, news: try WakeSignal(),
            post: { [sums] sum in sums.all.withLock { $0[life, default: []].append(sum) } })
    }

    private func part(_ index: Int, _ node: TreeNode, fill: Float) -> (GradientPart, TensorFrame) {
        let piece = Self.layout.pieces[index]
        let buffer = AlignedBuffer(byteCount: piece.count * 4)
        buffer.floats().update(repeating: fill)
        return (
            GradientPart(step: StepIndex(3), node: node, index: index),
            Self.layout.frame(of: piece, .float32, in: buffer)
        )
    }

    private func eventually(_ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(60)
        while try !condition() {
            try #require(ContinuousClock.now < end)
            usleep(1000)
        }
    }

    @Test(arguments: [false, true])
    func eachSumsItsPiecesAndPassesWeightsOn(withKeys: Bool) throws {
        let pair = withKeys ? try CurveKeyPair.random() : nil
        let (one, two) = (try exchange(1, pair: pair), try exchange(2, pair: pair))
        let group = ReductionGroup(members: [
            .init(life: Incarnation(rawValue: 1), address: one.address),
            .init(life: Incarnation(rawValue: 2), address: two.address),
        ])
        try one.join(group, as: Incarnation(rawValue: 1))
        try two.join(group, as: Incarnation(rawValue: 2))
        for index in 0..<2 {
            let (first, second) = (part(index, Self.left, fill: 1), part(index, Self.right, fill: Float(index + 2)))
            #expect(one.give(first.0, first.1, in: group, header: header(1)) == (index == 0 ? 0 : 1 << 17))
            #expect(two.give(second.0, second.1, in: group, header: header(2)) == (index == 1 ? 0 : 1 << 17))
        }
        try eventually {
            for (exchange, life) in [(one, UInt64(1)), (two, 2)] {
                if let received = exchange.receive(header(life), holding: nil) {
                    guard case .part(byteCount: 1 << 17) = received else { throw Unexpected() }
                }
            }
            return sums.all.withLock { $0.count == 2 }
        }
        let made = sums.all.withLock { $0 }
        for (life, index) in [(UInt64(1), 0), (2, 1)] {
            let (sum, frame) = try #require(made[life]?.first)
            #expect(made[life]?.count == 1)
            #expect(sum.step == StepIndex(3) && sum.index == index && sum.digest.rawValue == frame.digest)
            #expect(
                sum.parts == [
                    Self.left: Digest(rawValue: part(index, Self.left, fill: 1).1.digest),
                    Self.right: Digest(rawValue: part(index, Self.right, fill: Float(index + 2)).1.digest),
                ])
            #expect(frame.values(as: Float.self, zero: 0).allSatisfy { $0 == Float(index + 3) })
        }

        let piece = part(0, Self.left, fill: 7).1
        #expect(one.passOn(0, of: WeightsVersion(4), piece, header: header(1)) == 1 << 17)
        try eventually {
            guard case .weightsPiece(let version, let index, let frame) = two.receive(header(2), holding: nil)
            else { return false }
            return version == WeightsVersion(4) && index == 0 && frame.digest == piece.digest
        }
    }

    @Test func whatDoesNotBelongToTheRunIsRejected() throws {
        let (one, two) = (try exchange(1), try exchange(2))
        let group = ReductionGroup(members: [
            .init(life: Incarnation(rawValue: 1), address: one.address),
            .init(life: Incarnation(rawValue: 2), address: two.address),
        ])
        try one.join(group, as: Incarnation(rawValue: 1))
        let right = part(1, Self.left, fill: 1)
        let wrongIndex = (GradientPart(step: StepIndex(3), node: Self.left, index: 99), right.1)
        let wrongShape = (GradientPart(step: StepIndex(3), node: Self.left, index: 1), part(0, Self.left, fill: 1).1)
        _ = one.give(right.0, right.1, in: group, header: header(1, epoch: 2))
        _ = one.give(wrongIndex.0, wrongIndex.1, in: group, header: header(1))
        _ = one.give(wrongShape.0, TensorFrame(name: "bias", bytes: [1]), in: group, header: header(1))
        var reasons: [Rejection] = []
        try eventually {
            if case .rejected(let rejection, _) = two.receive(header(2), holding: nil) { reasons.append(rejection) }
            return reasons.count == 3
        }
        #expect(reasons == [.otherRun, .badTensors, .badTensors])
    }

    @Test func withoutTheKeyOfTheRunNobodyGetsIn() throws {
        let one = try exchange(1, pair: try .random())
        let stranger = try exchange(2, pair: try .random())
        let group = ReductionGroup(members: [
            .init(life: Incarnation(rawValue: 1), address: one.address),
            .init(life: Incarnation(rawValue: 2), address: stranger.address),
        ])
        try stranger.join(group, as: Incarnation(rawValue: 2))
        let (right, frame) = part(0, Self.left, fill: 1)
        _ = stranger.give(right, frame, in: group, header: header(2))
        // With another server key the handshake does not even come to the question who it is.
        try eventually { !one.takeRefusals().isEmpty || !stranger.takeRefusals().isEmpty }
        if one.receive(header(1), holding: nil) != nil { throw Unexpected() }
    }
}

/// What is kept for the case that a group is given up.
@Suite struct GroupAnswersTests {
    private func assignment(_ number: UInt64, inGroup: Bool) -> Assignment {
        let members = [1, 2].map { ReductionGroup.Member(life: Incarnation(rawValue: $0), address: "") }
        return Assignment(
            number: number, work: .train(StepIndex(0)), weights: WeightsVersion(0), selection: Digest(rawValue: 0),
            shards: [ShardID(0)], group: inGroup ? ReductionGroup(members: members) : nil)
    }

    private func output(_ assignment: UInt64, _ index: Int) -> WorkerEngine.Output {
        .slice(
            ContributionSlice(assignment: assignment, node: TreeNode(0, 1), index: index),
            TensorFrame(name: "weight", bytes: [UInt8(index)]))
    }

    @Test func onlyAnswersToGroupsAreKept() {
        var answers = GroupAnswers()
        answers.begin(assignment(1, inGroup: false))
        answers.begin(assignment(2, inGroup: true))
        let (own, shared) = (answers.keep(output(1, 0), of: 1), answers.keep(output(2, 0), of: 2))
        #expect(!own && shared)
        let (none, kept) = (answers.handIn(1), answers.handIn(2))
        #expect(none.isEmpty && kept.count == 1)
    }

    @Test func whatComesAfterAGroupWasGivenUpGoesToTheCoordinator() {
        var answers = GroupAnswers()
        answers.begin(assignment(1, inGroup: true))
        _ = answers.keep(output(1, 0), of: 1)
        #expect(answers.isForGroup(1))
        _ = answers.handIn(1)
        let later = answers.keep(output(1, 1), of: 1)
        #expect(!later && !answers.isForGroup(1))
        // Asked again, all of it is there.
        let again = answers.handIn(1)
        #expect(again.count == 2)
        answers.keepOnly { $0 != 1 }
        let gone = answers.handIn(1)
        #expect(gone.isEmpty)
    }
}
