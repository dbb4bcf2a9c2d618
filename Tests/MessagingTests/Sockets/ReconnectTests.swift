import Coordination
import Messaging
import Testing

/// A connection that breaks is made again by ZeroMQ, under the same routing id. The coordinator may see the new one before
/// it knows that the old one is dead, and must then listen to the new one.
@Suite(.timeLimit(.minutes(2))) struct ReconnectTests {
    @Test(arguments: Loopback.Transport.allCases) func theOldConnectionStillHasUnreadMessages(
        transport: Loopback.Transport
    ) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router()
        do {
            let dealer = try loopback.dealer(.first, to: address)
            dealer.linger(.seconds(60))
            try dealer.sendWhenPossible(numbered(0, from: .first))
            #expect(try router.nextPacket(WorkerMessage.self).number == 0)
            for number in 1...50 { #expect(dealer.send(numbered(number, from: .first)) == .sent) }
        }
        let again = try loopback.dealer(.first, to: address)
        try Self.expectHeard(again, router)
    }

    @Test(arguments: Loopback.Transport.allCases) func theOldConnectionIsNotKnownToBeDead(
        transport: Loopback.Transport
    ) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router()
        let dealer = try loopback.dealer(.first, to: address)
        try dealer.sendWhenPossible(numbered(0, from: .first))
        #expect(try router.nextPacket(WorkerMessage.self).number == 0)
        let again = try loopback.dealer(.first, to: address)
        try Self.expectHeard(again, router)
    }

    /// That the coordinator hears this connection and answers over it; what still comes over another may get lost.
    private static func expectHeard(_ dealer: Socket, _ router: Socket) throws {
        try dealer.sendWhenPossible(numbered(100, from: .first))
        try wait(on: router) {
            guard case .packet(let packet) = router.receive(WorkerMessage.self) else { return false }
            return packet.number == 100
        }
        #expect(router.send(numbered(101, to: .first), to: .first) == .sent)
        #expect(try dealer.nextPacket(CoordinatorMessage.self).number == 101)
    }

    /// A coordinator that comes back at its address is found without the worker's doing.
    @Test(arguments: Loopback.Transport.allCases) func theCoordinatorIsStartedAgain(
        transport: Loopback.Transport
    ) throws {
        let loopback = try Loopback(transport)
        func router() throws -> Socket {
            try Socket(.router, context: loopback.context, options: .init(longestFrame: 1 << 20, queueLength: 100))
        }
        var first: Socket? = try router()
        // Not where other tests pick their ports, so that this one is still free afterwards.
        let address = try first!.bind(transport == .ipc ? loopback.listening : "tcp://127.0.0.2:*")
        let dealer = try loopback.dealer(.first, to: address)
        try dealer.sendWhenPossible(numbered(0, from: .first))
        #expect(try first!.nextPacket(WorkerMessage.self).number == 0)
        first = nil
        try wait(on: dealer) { !dealer.canSend }
        let second = try router()
        try wait { (try? second.bind(address)) != nil }
        try Self.expectHeard(dealer, second)
    }
}
