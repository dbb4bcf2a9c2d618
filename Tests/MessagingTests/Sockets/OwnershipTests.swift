import Coordination
import Messaging
import Testing

/// Tensors go out from where they are: their owner is kept until ZeroMQ is done with the bytes, and no longer.
@Suite(.timeLimit(.minutes(2))) struct OwnershipTests {
    private static let size = 300_000

    @Test(arguments: Loopback.Transport.allCases) func theOwnerIsLetGoOnceTheBytesAreOut(
        transport: Loopback.Transport
    ) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router()
        let dealer = try loopback.dealer(.first, to: address)
        let census = Block.Census()
        try wait { dealer.canSend }
        for number in 0..<20 {
            let tensors = (0..<3).map {
                TensorFrame("t", [UInt8](repeating: UInt8(number * 3 + $0), count: Self.size), census: census)
            }
            #expect(dealer.send(numbered(number, from: .first, tensors: tensors)) == .sent)
        }
        // The memory has not been used for anything else before it was sent.
        for number in 0..<20 {
            let packet = try router.nextPacket(WorkerMessage.self)
            #expect(packet.number == number)
            for (index, tensor) in packet.tensors.enumerated() {
                #expect(tensor.bytes.count == Self.size)
                #expect(tensor.bytes.allSatisfy { $0 == UInt8(number * 3 + index) })
            }
        }
        try wait { census.alive == 0 }
    }

    @Test func theOwnerIsKeptWhileTheBytesWait() throws {
        let loopback = try Loopback(.ipc)
        // Nobody reads, and the queue is long: most messages must wait at the sender.
        let (router, address) = try loopback.router(queueLength: 1)
        let dealer = try loopback.dealer(.first, to: address, longestFrame: 1 << 20, queueLength: 1000)
        let census = Block.Census()
        try wait { dealer.canSend }
        for number in 0..<200 {
            let tensor = TensorFrame("t", [UInt8](repeating: 5, count: Self.size), census: census)
            #expect(dealer.send(numbered(number, from: .first, tensors: [tensor])) == .sent)
        }
        // Local sockets hold a few hundred kilobytes, and this many are beyond them.
        #expect(census.alive > 100)
        for number in 0..<200 {
            let packet = try router.nextPacket(WorkerMessage.self)
            #expect(packet.number == number && packet.tensors[0].bytes.allSatisfy { $0 == 5 })
        }
        try wait { census.alive == 0 }
    }

    @Test func whatIsNotAcceptedIsNotKept() throws {
        let loopback = try Loopback(.tcp)
        let (router, address) = try loopback.router()
        let census = Block.Census()
        func tensor() -> TensorFrame { TensorFrame("t", [1, 2, 3], census: census) }
        #expect(router.send(numbered(1, to: .second, tensors: [tensor(), tensor()]), to: .second) == .unreachable)
        #expect(census.alive == 0)
        let dealer = try loopback.dealer(.first, to: "tcp://127.0.0.1:1")
        #expect(dealer.send(numbered(1, from: .first, tensors: [tensor(), tensor()])) == .full)
        #expect(census.alive == 0)
        _ = address
    }

    /// A worker that ends, or a coordinator that does, takes nothing with it.
    @Test func closingLetsGoOfWhatIsQueued() throws {
        let census = Block.Census()
        do {
            let loopback = try Loopback(.ipc)
            let (router, address) = try loopback.router(queueLength: 1)
            let dealer = try loopback.dealer(.first, to: address, queueLength: 1000)
            try wait { dealer.canSend }
            for number in 0..<100 {
                let tensor = TensorFrame("t", [UInt8](repeating: 5, count: Self.size), census: census)
                #expect(dealer.send(numbered(number, from: .first, tensors: [tensor])) == .sent)
            }
            #expect(census.alive > 0)
            _ = router
        }
        try wait { census.alive == 0 }
    }

    @Test func aPeerThatLeavesFreesWhatWaitedForIt() throws {
        let loopback = try Loopback(.tcp)
        let (router, address) = try loopback.router(queueLength: 1000)
        let census = Block.Census()
        do {
            let dealer = try loopback.dealer(.first, to: address, queueLength: 1)
            try dealer.sendWhenPossible(numbered(0, from: .first))
            _ = try router.nextPacket(WorkerMessage.self)
            for number in 0..<100 {
                let tensor = TensorFrame("t", [UInt8](repeating: 5, count: Self.size), census: census)
                #expect(router.send(numbered(number, to: .first, tensors: [tensor]), to: .first) == .sent)
            }
        }
        // The coordinator's loop listens all the time, which is how it learns that the peer has left.
        try wait(on: router) { router.receive(WorkerMessage.self) == nil && census.alive == 0 }
        #expect(router.send(numbered(0, to: .first), to: .first) == .unreachable)
    }

    /// Lingering gives the last words time to go out although the socket is closed.
    @Test func lastWordsGoOut() throws {
        let loopback = try Loopback(.ipc)
        let (router, address) = try loopback.router()
        do {
            let dealer = try loopback.dealer(.first, to: address)
            try wait { dealer.canSend }
            dealer.linger(.seconds(60))
            for number in 0..<50 {
                let tensor = TensorFrame("t", [UInt8](repeating: 5, count: Self.size))
                #expect(dealer.send(numbered(number, from: .first, tensors: [tensor])) == .sent)
            }
        }
        for number in 0..<50 { #expect(try router.nextPacket(WorkerMessage.self).number == number) }
    }
}
