import Coordination
import Messaging
import Testing

/// A peer that does not read costs bounded memory, is told to the sender, and does not hold up others.
@Suite(.timeLimit(.minutes(2))) struct BackpressureTests {
    private static let queueLength = 4
    private static let size = 1 << 20
    /// Far more than the queues of both sides and what any kernel buffers for a connection.
    private static let mostAccepted = 200

    @Test(arguments: Loopback.Transport.allCases) func aWorkerThatDoesNotRead(transport: Loopback.Transport) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router(longestFrame: Self.size, queueLength: Self.queueLength)
        let stuck = try loopback.dealer(.first, to: address, longestFrame: Self.size, queueLength: Self.queueLength)
        let reader = try loopback.dealer(.second, to: address, longestFrame: Self.size, queueLength: Self.queueLength)
        for (dealer, incarnation) in [(stuck, Incarnation.first), (reader, .second)] {
            try dealer.sendWhenPossible(numbered(0, from: incarnation))
            _ = try router.nextPacket(WorkerMessage.self)
        }

        let census = Block.Census()
        let accepted = try Self.fill(census) { router.send(numbered($0, to: .first, tensors: [$1]), to: .first) }

        // The other worker does not notice.
        for number in 0..<20 {
            try router.sendWhenPossible(numbered(number, to: .second, tensors: [TensorFrame("t", [3])]), to: .second)
            #expect(try reader.nextPacket(CoordinatorMessage.self).number == number)
        }
        // Everything that was accepted arrives once it reads, and then there is room again.
        for number in 0..<accepted {
            #expect(try stuck.nextPacket(CoordinatorMessage.self).number == number)
        }
        try wait { census.alive == 0 }
        try router.sendWhenPossible(numbered(accepted, to: .first), to: .first)
        #expect(try stuck.nextPacket(CoordinatorMessage.self).number == accepted)
    }

    @Test(arguments: Loopback.Transport.allCases) func aCoordinatorThatDoesNotRead(
        transport: Loopback.Transport
    ) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router(longestFrame: Self.size, queueLength: Self.queueLength)
        let dealer = try loopback.dealer(.first, to: address, longestFrame: Self.size, queueLength: Self.queueLength)
        try wait { dealer.canSend }
        let census = Block.Census()
        let accepted = try Self.fill(census) { dealer.send(numbered($0, from: .first, tensors: [$1])) }
        #expect(!dealer.canSend)
        for number in 0..<accepted { #expect(try router.nextPacket(WorkerMessage.self).number == number) }
        try wait { census.alive == 0 }
        try dealer.sendWhenPossible(numbered(accepted, from: .first))
        #expect(try router.nextPacket(WorkerMessage.self).number == accepted)
    }

    /// Sends large tensors until no more are taken.
    ///
    /// - Returns: how many were taken.
    private static func fill(_ census: Block.Census, send: (Int, TensorFrame) -> Socket.SendOutcome) throws -> Int {
        var (accepted, fullInARow) = (0, 0)
        let content = [UInt8](repeating: 1, count: size)
        // A queue that is full for a moment is not stuck yet: the other side may still be taking what it can hold.
        while fullInARow < 50 {
            switch send(accepted, TensorFrame("t", content, census: census)) {
            case .sent: (accepted, fullInARow) = (accepted + 1, 0)
            case .full:
                fullInARow += 1
                Poller.wait([], wake: try WakeSignal(), timeout: .milliseconds(2))
            case .unreachable: throw TimedOut()
            }
            guard accepted <= mostAccepted else { break }
        }
        #expect(accepted >= queueLength && accepted <= mostAccepted)
        // At the sender only its own queue and what is being written are still in memory.
        #expect(census.alive <= queueLength + 2)
        return accepted
    }

    @Test func aPeerThatIsNotThere() throws {
        let loopback = try Loopback(.tcp)
        let (router, address) = try loopback.router()
        #expect(router.send(numbered(1, to: .first), to: .first) == .unreachable)
        do {
            let dealer = try loopback.dealer(.first, to: address)
            try dealer.sendWhenPossible(numbered(1, from: .first))
            _ = try router.nextPacket(WorkerMessage.self)
            #expect(router.send(numbered(1, to: .first), to: .first) == .sent)
            #expect(router.send(numbered(1, to: .second), to: .second) == .unreachable)
        }
        try wait { router.send(numbered(1, to: .first), to: .first) == .unreachable }
        // Nothing of the messages that could not be sent gets in the way of the next one.
        let other = try loopback.dealer(.second, to: address)
        try other.sendWhenPossible(numbered(2, from: .second))
        #expect(try router.nextPacket(WorkerMessage.self).number == 2)
        #expect(router.send(numbered(3, to: .second), to: .second) == .sent)
        #expect(try other.nextPacket(CoordinatorMessage.self).number == 3)
    }
}
