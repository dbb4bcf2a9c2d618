import Coordination
import Messaging
import Testing

/// Packets cross real sockets whole, in order, and in both directions.
@Suite(.timeLimit(.minutes(2))) struct ExchangeTests {
    private static let sizes = [0, 1, 32, 33, 4096, 100_001, 3 << 20]

    @Test(arguments: Loopback.Transport.allCases) func bothWaysInOrder(transport: Loopback.Transport) throws {
        let loopback = try Loopback(transport)
        let (router, address) = try loopback.router(longestFrame: 4 << 20)
        let dealer = try loopback.dealer(.first, to: address, longestFrame: 4 << 20)
        let contents = Self.sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
        let tensors = contents.map { TensorFrame("t\($0.count)", $0) }

        for number in 0..<30 {
            let sent = number % 10 == 0 ? tensors : [tensors[number % 5]]
            try dealer.sendWhenPossible(numbered(number, from: .first, tensors: sent))
        }
        for number in 0..<30 {
            let packet = try router.nextPacket(WorkerMessage.self)
            #expect(packet.number == number && packet.header == .to(.first))
            Self.check(packet.tensors, number % 10 == 0 ? contents : [contents[number % 5]])
            try router.sendWhenPossible(numbered(number, to: .first, tensors: packet.tensors), to: .first)
        }
        for number in 0..<30 {
            let packet = try dealer.nextPacket(CoordinatorMessage.self)
            #expect(packet.number == number && packet.header == .to(.first))
            Self.check(packet.tensors, number % 10 == 0 ? contents : [contents[number % 5]])
        }
        #expect(router.receive(WorkerMessage.self) == nil)
        #expect(dealer.receive(CoordinatorMessage.self) == nil)
    }

    private static func check(_ tensors: [TensorFrame], _ contents: [[UInt8]]) {
        #expect(tensors.map(\.name) == contents.map { "t\($0.count)" })
        #expect(tensors.map(\.shape) == contents.map { [$0.count] })
        for (tensor, content) in zip(tensors, contents) where tensor.content != content {
            Issue.record("\(tensor.name) arrived damaged")
        }
    }

    @Test func manyPeersAreToldApart() throws {
        let loopback = try Loopback(.ipc)
        let (router, address) = try loopback.router()
        let incarnations = (1...8).map { Incarnation(rawValue: UInt64($0) << 40) }
        let dealers = try incarnations.map { try loopback.dealer($0, to: address) }
        for (dealer, incarnation) in zip(dealers, incarnations) {
            try dealer.sendWhenPossible(numbered(1, from: incarnation))
        }
        var heard = Set<Incarnation>()
        while heard.count < dealers.count { heard.insert(try router.nextPacket(WorkerMessage.self).header.incarnation) }
        for (number, incarnation) in incarnations.enumerated().reversed() {
            #expect(router.send(numbered(number, to: incarnation), to: incarnation) == .sent)
        }
        for (number, dealer) in dealers.enumerated() {
            #expect(try dealer.nextPacket(CoordinatorMessage.self).number == number)
        }
    }

    /// A received tensor stays valid for as long as somebody keeps its frame, also after its socket is gone.
    @Test func aReceivedTensorOutlivesItsSocket() throws {
        let kept = try {
            let loopback = try Loopback(.tcp)
            let (router, address) = try loopback.router()
            let dealer = try loopback.dealer(.first, to: address)
            let tensors = [TensorFrame("small", [1, 2, 3]), TensorFrame("large", .init(repeating: 9, count: 500_000))]
            try dealer.sendWhenPossible(numbered(1, from: .first, tensors: tensors))
            return try router.nextPacket(WorkerMessage.self).tensors
        }()
        #expect(kept[0].content == [1, 2, 3])
        #expect(kept[1].bytes.allSatisfy { $0 == 9 } && kept[1].bytes.count == 500_000)
    }

    @Test func nothingIsQueuedWithoutAConnection() throws {
        let loopback = try Loopback(.ipc)
        let dealer = try loopback.dealer(.first, to: loopback.listening)
        #expect(!dealer.canSend)
        #expect(dealer.send(numbered(1, from: .first)) == .full)
        let (router, _) = try loopback.router()
        try wait(on: dealer) { dealer.canSend }
        #expect(dealer.send(numbered(2, from: .first)) == .sent)
        #expect(try router.nextPacket(WorkerMessage.self).number == 2)
    }
}
