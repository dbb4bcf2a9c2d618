import Common
import Coordination
import Messaging
import Testing

/// What is sent is what arrives: every kind of message, every field, every type of tensor.
@Suite struct RoundTripTests {
    private static let packets = 2000
    private static let seed: UInt64 = 0x5e1f

    @Test(arguments: WorkerKind.allCases) func workerMessages(kind: WorkerKind) throws {
        for number in 0..<Self.packets {
            var draw = Draw(seed: Self.seed, number: number)
            let message = draw.message(kind)
            try #require(WorkerKind(message) == kind)
            var packet = draw.packet(message)
            // Only a worker that is known already may leave its name out.
            if kind == .hello, packet.header.worker.isEmpty { packet.header.worker = "w" }
            try Self.checkRoundTrip(of: packet, number)
        }
    }

    @Test(arguments: CoordinatorKind.allCases) func coordinatorMessages(kind: CoordinatorKind) throws {
        for number in 0..<Self.packets {
            var draw = Draw(seed: Self.seed, number: number)
            let message = draw.message(kind)
            try #require(CoordinatorKind(message) == kind)
            try Self.checkRoundTrip(of: draw.packet(message), number)
        }
    }

    @Test(arguments: PeerKind.allCases) func messagesBetweenWorkers(kind: PeerKind) throws {
        for number in 0..<Self.packets {
            var draw = Draw(seed: Self.seed, number: number)
            let message = draw.message(kind)
            try #require(PeerKind(message) == kind)
            try Self.checkRoundTrip(of: draw.packet(message), number)
        }
    }

    private static func checkRoundTrip<Message: WireEncodable & WireDecodable & Equatable>(
        of packet: Packet<Message>, _ number: Int
    ) throws {
        let arrived = try decode(packet.encodedHeader(), frames: packet.frames, as: Message.self)
        if arrived.header != packet.header || arrived.message != packet.message {
            Issue.record("packet \(number): \(packet) arrived as \(arrived)")
        }
        try #require(arrived.tensors.count == packet.tensors.count)
        for (one, other) in zip(arrived.tensors, packet.tensors) {
            let isSame =
                one.name == other.name && one.type == other.type && one.shape == other.shape
                && one.bytes.baseAddress == other.bytes.baseAddress && one.bytes.count == other.bytes.count
                && one.owner === other.owner
            if !isSame { Issue.record("packet \(number): tensor \(other) arrived as \(one)") }
        }
    }

    @Test(arguments: [Double.nan, -.nan, .signalingNaN, .infinity, -.infinity, .leastNonzeroMagnitude])
    func aLossKeepsItsBits(loss: Double) throws { try #expect(Self.sent(loss).bitPattern == loss.bitPattern) }

    /// Protobuf leaves out what equals zero.
    @Test func aNegativeZeroLossLosesItsSign() throws { try #expect(Self.sent(-0.0).bitPattern == 0) }

    private static func sent(_ loss: Double) throws -> Double {
        let contribution = Contribution(
            assignment: 1, work: .train(StepIndex(0)), weights: WeightsVersion(0), selection: Digest(rawValue: 0),
            node: TreeNode(0, 1), digest: Digest(rawValue: 0), loss: loss)
        let packet = Packet(WorkerMessage.contribution(contribution), header: .example)
        guard case .contribution(let arrived) = try decode(packet.encodedHeader(), as: WorkerMessage.self).message
        else {
            throw WrongKind()
        }
        return arrived.loss
    }

    @Test(arguments: [.zero, .nanoseconds(1499), .milliseconds(400), .seconds(86400)] as [Duration])
    func durationsTravelInMicroseconds(duration: Duration) throws {
        let packet = Packet(
            CoordinatorMessage.welcome(
                Welcome(instructionSet: "", heartbeatInterval: .seconds(1), orphanTimeout: duration, shards: 1)),
            header: .example)
        guard case .welcome(let arrived) = try decode(packet.encodedHeader(), as: CoordinatorMessage.self).message
        else {
            throw WrongKind()
        }
        #expect(arrived.orphanTimeout == .microseconds((duration.seconds * 1e6).rounded()))
    }

    @Test func aTextEndsAtItsFirstZero() throws {
        let packet = Packet(WorkerMessage.leaving(reason: "a\u{0}b"), header: .example)
        #expect(try decode(packet.encodedHeader(), as: WorkerMessage.self).message == .leaving(reason: "a"))
    }

    private struct WrongKind: Error {}
}

extension Header {
    static let example = Header(
        runID: RunID(high: 0x0807_0605_0403_0201, low: 0x100F_0E0D_0C0B_0A09), epoch: Epoch(rawValue: 3), worker: "w1",
        incarnation: Incarnation(rawValue: 0x0102_0304_0506_0708))
}
