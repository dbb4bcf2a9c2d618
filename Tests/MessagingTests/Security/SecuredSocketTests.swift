import CZeroMQ
import Coordination
import Testing

@testable import Messaging

/// Sockets with keys: who gets through, who does not, and what is counted.
@Suite(.timeLimit(.minutes(2))) struct SecuredSocketTests {
    private let loopback: Loopback
    private let server: CurveKeyPair
    private let gpu1: CurveKeyPair
    private let gpu2: CurveKeyPair
    private let doorkeeper: Doorkeeper
    private let router: Socket
    private let address: String

    init() throws {
        loopback = try Loopback(.tcp)
        (server, gpu1, gpu2) = (try .random(), try .random(), try .random())
        let listed = [gpu1.publicKey: KeyName("gpu1")!, gpu2.publicKey: KeyName("gpu2")!]
        doorkeeper = try Doorkeeper(context: loopback.context, admits: { listed[$0] })
        router = try Socket(
            .router, context: loopback.context,
            options: .init(longestFrame: 1 << 20, queueLength: 100, security: .server(server)), doorkeeper: doorkeeper)
        address = try router.bind(loopback.listening)
    }

    private func dealer(
        _ pair: CurveKeyPair?, server key: CurveKey? = nil, doorkeeper: Doorkeeper? = nil, to address: String? = nil
    ) throws -> Socket {
        let socket = try Socket(
            .dealer(.first), context: loopback.context,
            options: .init(
                longestFrame: 1 << 20, queueLength: 100,
                security: pair.map { .client($0, server: key ?? server.publicKey) } ?? .none),
            doorkeeper: doorkeeper)
        try socket.connect(address ?? self.address)
        return socket
    }

    private func hello(_ worker: String) -> Packet<WorkerMessage> {
        Packet(
            .leaving(reason: "no"),
            header: Header(
                runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), worker: worker, incarnation: .first))
    }

    /// Waits until someone was turned away for one of these reasons.
    private func waitForRefusal(_ rejections: Rejection..., by keeper: Doorkeeper? = nil) throws {
        var seen = RejectionCounts()
        try wait(on: router) {
            for refusal in (keeper ?? doorkeeper).takeRefusals() { seen.add(refusal.rejection, count: refusal.count) }
            return rejections.contains { seen[$0] > 0 }
        }
    }

    @Test func aListedKeyGetsThroughUnderItsNames() throws {
        let worker = try dealer(gpu1)
        for name in ["gpu1", "gpu1/0", "gpu1/slot-7"] {
            try worker.sendWhenPossible(hello(name))
            #expect(try router.nextPacket(WorkerMessage.self).header.worker == name)
        }
        let tensor = TensorFrame("t", [UInt8](repeating: 9, count: 100_000))
        #expect(router.send(numbered(3, to: .first, tensors: [tensor]), to: .first) == .sent)
        let packet = try worker.nextPacket(CoordinatorMessage.self)
        #expect(packet.number == 3)
        #expect(Array(packet.tensors[0].bytes) == [UInt8](repeating: 9, count: 100_000))
        #expect(doorkeeper.takeRefusals().isEmpty)
    }

    /// Encryption makes frames longer, and ZeroMQ would hang up on one that is too long.
    @Test func theLongestFrameFitsAlsoEncrypted() throws {
        let worker = try dealer(gpu1)
        let tensor = TensorFrame("t", [UInt8](repeating: 9, count: 1 << 20))
        var packet = hello("gpu1")
        packet.tensors = [tensor]
        try worker.sendWhenPossible(packet)
        #expect(try router.nextPacket(WorkerMessage.self).tensors[0].bytes.count == 1 << 20)
        #expect(router.send(numbered(1, to: .first, tensors: [tensor]), to: .first) == .sent)
        #expect(try worker.nextPacket(CoordinatorMessage.self).tensors[0].bytes.count == 1 << 20)
    }

    @Test(arguments: ["gpu2", "gpu", "gpu11", "", "gpu2/gpu1"])
    func aKeyDoesNotSpeakForOthers(name: String) throws {
        let worker = try dealer(gpu1)
        try worker.sendWhenPossible(hello(name))
        guard case .rejected(let error) = try router.next(WorkerMessage.self) else { throw Socket.NoRejection() }
        #expect(error.rejection == .otherSender)
        #expect(error.reason.contains("gpu1"))
    }

    @Test(arguments: ["gpu1 ", "/gpu1", "gpu1/\u{1B}[2J", "gpu1\n"])
    func aNameOutsideTheAlphabetIsNoMessage(name: String) throws {
        let worker = try dealer(gpu1)
        try worker.sendWhenPossible(hello(name))
        guard case .rejected(let error) = try router.next(WorkerMessage.self) else { throw Socket.NoRejection() }
        #expect(error.rejection == .malformed)
    }

    @Test func aWorkersKeyDoesNotCommand() throws {
        let worker = try dealer(gpu1)
        let header = Header(
            runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), worker: "gpu1", incarnation: .first)
        for message in [CoordinatorMessage.release(reason: "go"), .alive, .rejoin(reason: "x")] {
            try worker.sendWhenPossible(Packet(message, header: header))
            guard case .rejected(let error) = try router.next(WorkerMessage.self) else { throw Socket.NoRejection() }
            #expect(error.rejection == .wrongRole)
        }
    }

    @Test func anUnlistedKeyIsTurnedAway() throws {
        let stranger = try CurveKeyPair.random()
        let worker = try dealer(stranger)
        var detail: String?
        try wait(on: router) {
            detail = doorkeeper.takeRefusals().first { $0.rejection == .unlistedKey }?.detail
            return detail != nil
        }
        #expect(detail?.contains("127.0.0.1") == true)
        #expect(detail?.contains(stranger.publicKey.hexadecimal.prefix(16)) == true)
        #expect(!worker.canSend)
    }

    /// Both sides see what is wrong; whoever sees it first hangs up, which is all that the other then sees of this attempt.
    @Test func aPlainClientIsTurnedAwayAndLearnsIt() throws {
        // A context of its own, as a worker has.
        let elsewhere = try MessagingContext()
        let keeper = try Doorkeeper(context: elsewhere)
        let worker = try Socket(
            .dealer(.first), context: elsewhere, options: .init(longestFrame: 1 << 20, queueLength: 100),
            doorkeeper: keeper)
        try worker.connect(address)
        try waitForRefusal(.plainClient, by: keeper)
        try waitForRefusal(.plainClient, .noHandshake)
    }

    @Test func anUnlistedWorkerLearnsIt() throws {
        let elsewhere = try MessagingContext()
        let keeper = try Doorkeeper(context: elsewhere)
        let worker = try Socket(
            .dealer(.first), context: elsewhere,
            options: .init(
                longestFrame: 1 << 20, queueLength: 100,
                security: .client(try .random(), server: server.publicKey)), doorkeeper: keeper)
        try worker.connect(address)
        try waitForRefusal(.unlistedKey, by: keeper)
    }

    /// Whoever has a worker's key, or none that this worker expects, cannot pass for the coordinator.
    @Test func aWorkerTalksToItsCoordinatorAlone() throws {
        let elsewhere = try MessagingContext()
        let keeper = try Doorkeeper(context: elsewhere, admits: { _ in KeyName("gpu1") })
        let impostor = try Socket(
            .router, context: elsewhere,
            options: .init(longestFrame: 1 << 20, queueLength: 100, security: .server(gpu2)), doorkeeper: keeper)
        let worker = try dealer(gpu1, to: try impostor.bind("tcp://127.0.0.1:*"))
        try waitForRefusal(.badHandshake, by: keeper)
        #expect(!worker.canSend)
        let plain = try loopback.router()
        let other = try dealer(gpu1, to: plain.address)
        try expectNoConnection(of: other, meanwhile: plain.socket)
    }

    private func expectNoConnection(of worker: Socket, meanwhile router: Socket) throws {
        // Long enough for several attempts; a connection would be there after the first.
        for _ in 0..<50 { Poller.wait([router, worker], wake: try WakeSignal(), timeout: .milliseconds(10)) }
        #expect(!worker.canSend)
        #expect(router.receive(WorkerMessage.self) == nil)
    }

    @Test func noiseOnTheWireIsCounted() throws {
        for length in [1, 64, 1000] {
            let stream = try RawStream(connectedTo: address)
            var draw = Draw(seed: UInt64(length))
            // As a ZMTP greeting begins, and then noise.
            stream.send([0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + (0..<length).map { _ in draw.byte() })
        }
        try waitForRefusal(.noHandshake)
        let worker = try dealer(gpu1)
        try worker.sendWhenPossible(hello("gpu1"))
        _ = try router.nextPacket(WorkerMessage.self)
    }
}
