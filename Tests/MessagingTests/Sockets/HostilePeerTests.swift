import CZeroMQ
import Coordination
import Messaging
import Testing

/// Whatever a peer sends to the coordinator is rejected with a reason or dropped with its connection, and a well-behaved
/// worker goes on as if nothing had happened.
@Suite(.timeLimit(.minutes(2))) struct HostilePeerTests {
    private let loopback: Loopback
    private let router: Socket
    private let address: String
    private let worker: Socket

    init() throws {
        loopback = try Loopback(.tcp)
        (router, address) = try loopback.router(longestFrame: 1 << 20)
        worker = try loopback.dealer(.second, to: address)
        try worker.sendWhenPossible(numbered(0, from: .second))
        _ = try router.nextPacket(WorkerMessage.self)
    }

    /// Both directions still work.
    ///
    /// - Parameter amongRejections: whether more that is rejected may arrive meanwhile.
    private func expectUndisturbed(
        amongRejections: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for number in 1...3 {
            let tensors = [TensorFrame("t", [UInt8](repeating: 1, count: 1000 * number))]
            #expect(
                worker.send(numbered(number, from: .second, tensors: tensors)) == .sent, sourceLocation: sourceLocation)
            var received = try router.next(WorkerMessage.self)
            while amongRejections, case .rejected = received { received = try router.next() }
            guard case .packet(let packet) = received else { throw Socket.NoPacket() }
            #expect(packet.number == number, sourceLocation: sourceLocation)
            #expect(router.send(numbered(number, to: .second, tensors: tensors), to: .second) == .sent)
            #expect(try worker.nextPacket(CoordinatorMessage.self).number == number, sourceLocation: sourceLocation)
        }
        #expect(amongRejections || router.receive(WorkerMessage.self) == nil, sourceLocation: sourceLocation)
    }

    @Test func garbage() throws {
        let peer = try RawPeer(connectedTo: address, routingID: RawPeer.routingID(.first))
        var draw = Draw(seed: 0xbad)
        for _ in 0..<500 {
            try peer.send((0...draw.below(5)).map { _ in [0xFF] + (0..<draw.below(200)).map { _ in draw.byte() } })
            #expect(try !router.nextRejection(WorkerMessage.self).isEmpty)
        }
        try expectUndisturbed()
    }

    @Test func emptyFrames() throws {
        let peer = try RawPeer(connectedTo: address, routingID: RawPeer.routingID(.first))
        let cases: [([[UInt8]], String)] = [
            ([[]], "a message without a digest"), ([[], []], "a message without a digest"),
            ([[], [1, 2]], "a message without a digest"),
        ]
        for (frames, reason) in cases {
            try peer.send(frames)
            #expect(try router.nextRejection(WorkerMessage.self) == reason)
        }
        try expectUndisturbed()
    }

    /// The frames of one message never become a part of the next.
    @Test(arguments: [17, 18, 19, 20, 40, 1000]) func tooManyFrames(count: Int) throws {
        let peer = try RawPeer(connectedTo: address, routingID: RawPeer.routingID(.first))
        let good = numbered(7, from: .first).encodedHeader()
        try peer.send([good] + [[UInt8]](repeating: good, count: count))
        try peer.send([good])
        #expect(try router.nextRejection(WorkerMessage.self) == "more than 16 tensor frames in one message")
        #expect(try router.nextPacket(WorkerMessage.self).number == 7)
        try expectUndisturbed()
    }

    /// Nobody speaks for another incarnation, neither by its header nor by a routing id that is none.
    @Test func anothersName() throws {
        let told = "a message of incarnation \(Incarnation.second) from another peer"
        let thief = try loopback.dealer(.first, to: address)
        try thief.sendWhenPossible(numbered(7, from: .second))
        #expect(try router.nextRejection(WorkerMessage.self) == told)
        let header = numbered(7, from: .second).encodedHeader()
        for routingID in [[], [0x77], Array("second".utf8), RawPeer.routingID(.second) + [0]] as [[UInt8]] {
            let peer = try RawPeer(connectedTo: address, routingID: routingID)
            try peer.send([header])
            #expect(try router.nextRejection(WorkerMessage.self) == told)
        }
        try expectUndisturbed()
    }

    @Test func messagesOfACoordinator() throws {
        let peer = try RawPeer(connectedTo: address, routingID: RawPeer.routingID(.first))
        try peer.send([numbered(7, to: .first).encodedHeader()])
        #expect(try router.nextRejection(WorkerMessage.self) == "no message from a worker (kind 24)")
        try expectUndisturbed()
    }

    /// ZeroMQ ends a connection over which a frame of more than MAXMSGSIZE comes, before it sets memory aside.
    @Test func framesBeyondTheLongest() throws {
        let peer = try RawPeer(connectedTo: address, routingID: RawPeer.routingID(.first))
        let header = numbered(7, from: .first, tensors: [TensorFrame("t", [1])]).encodedHeader()
        try peer.send([header, [1]])
        #expect(try router.nextPacket(WorkerMessage.self).number == 7)
        try peer.send([header, [UInt8](repeating: 1, count: 1 << 20 + 1)])
        try wait(on: router) {
            #expect(router.receive(WorkerMessage.self) == nil)
            return router.send(numbered(1, to: .first), to: .first) == .unreachable
        }
        // Its own connection comes back, but not the message.
        try wait(on: router) {
            try peer.send([[0xFF]])
            guard let received = router.receive(WorkerMessage.self) else { return false }
            guard case .rejected(let error) = received else { throw Socket.NoRejection() }
            return error.reason == "not a message of this protocol"
        }
        try expectUndisturbed(amongRejections: true)
    }

    @Test func otherKindsOfSockets() throws {
        // A request comes with an empty frame ahead, and without our routing id.
        let request = try RawPeer(ZMQ_REQ, connectedTo: address)
        try request.send([numbered(7, from: .first).encodedHeader()])
        #expect(try router.nextRejection(WorkerMessage.self) == "a message without a digest")
        // These do not even get as far as that.
        let others = try [ZMQ_SUB, ZMQ_PULL, ZMQ_PAIR, ZMQ_XSUB].map { try RawPeer($0, connectedTo: address) }
        try expectUndisturbed()
        withExtendedLifetime(others) {}
    }

    /// Some bytes pass for ZeroMQ's first protocol, whose frames had a length and nothing else; what they say is rejected.
    @Test func whatIsNoZeroMQ() throws {
        var draw = Draw(seed: 0xbad)
        for text in ["GET / HTTP/1.1\r\n\r\n", "", "\u{0}\u{0}\u{0}\u{0}", String(repeating: "A", count: 100_000)] {
            try RawStream(connectedTo: address).send(Array(text.utf8))
            try RawStream(connectedTo: address).send((0..<1000).map { _ in draw.byte() })
        }
        // A greeting of ZMTP 3 and then garbage.
        let signature: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0]
        let greeting = signature + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)
        try RawStream(connectedTo: address).send(greeting + (0..<1000).map { _ in draw.byte() })
        try expectUndisturbed(amongRejections: true)
    }

    // MARK: A worker trusts its coordinator more, and checks the same

    @Test func aCoordinatorThatIsNone() throws {
        let peer = RawPeer(ZMQ_ROUTER)
        let dealer = try loopback.dealer(.first, to: peer.bind())
        try dealer.sendWhenPossible(numbered(0, from: .first))
        let routingID = try peer.receive()[0]
        #expect(routingID == RawPeer.routingID(.first))
        let good = numbered(7, to: .first).encodedHeader()
        let cases: [([[UInt8]], String)] = [
            ([[]], "a message without a digest"),
            ([[0xFF]], "not a message of this protocol"),
            ([good, good], "1 tensor frames where 0 are announced"),
            ([[UInt8]](repeating: good, count: 40), "more than 16 tensor frames in one message"),
            ([numbered(7, from: .first).encodedHeader()], "no message from a coordinator (kind 11)"),
        ]
        for (frames, reason) in cases {
            try peer.send([routingID] + frames)
            #expect(try dealer.nextRejection(CoordinatorMessage.self) == reason)
        }
        try peer.send([routingID, good])
        #expect(try dealer.nextPacket(CoordinatorMessage.self).number == 7)
    }
}
