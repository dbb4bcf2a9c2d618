import Common
import Coordination
import Foundation
import Messaging
import Testing

/// Whoever connects and says nothing cannot hold all that a process may have open.
@Suite struct ConnectionsTests {
    @Test(arguments: [false, true]) func idleConnectionsMakeRoom(withKeys: Bool) throws {
        let loopback = try Loopback(.tcp)
        let (server, worker) = (try CurveKeyPair.random(), try CurveKeyPair.random())
        var admits: (@Sendable (CurveKey) -> KeyName?)?
        if withKeys { admits = { $0 == worker.publicKey ? KeyName("w") : nil } }
        let keeper = try Doorkeeper(context: loopback.context, mostConnections: 6, admits: admits)
        let router = try Socket(
            .router, context: loopback.context,
            options: .init(longestFrame: 1 << 20, queueLength: 100, security: withKeys ? .server(server) : .none),
            doorkeeper: keeper)
        let address = try router.bind(loopback.listening)
        let dealer = try Socket(
            .dealer(.first), context: loopback.context,
            options: .init(
                longestFrame: 1 << 20, queueLength: 100,
                security: withKeys ? .client(worker, server: server.publicKey) : .none))
        try dealer.connect(address)
        try dealer.sendWhenPossible(numbered(1, from: .first))
        #expect(try router.nextPacket(WorkerMessage.self).number == 1)

        let idle = try (0..<40).map { _ in try RawStream(connectedTo: address) }
        // All but those that there is room for are hung up on.
        try wait(on: router) { idle.count(where: \.isHungUp) >= 34 }
        var crowded = 0
        try wait(on: router) {
            crowded += keeper.takeRefusals().filter { $0.rejection == .crowded }.reduce(0) { $0 + $1.count }
            return crowded >= 34
        }
        // Who has said something sensible stays, and someone new gets in.
        try dealer.sendWhenPossible(numbered(2, from: .first))
        #expect(try router.nextPacket(WorkerMessage.self).number == 2)
        let second = try Socket(
            .dealer(.second), context: loopback.context,
            options: .init(
                longestFrame: 1 << 20, queueLength: 100,
                security: withKeys ? .client(worker, server: server.publicKey) : .none))
        try second.connect(address)
        try second.sendWhenPossible(numbered(3, from: .second))
        #expect(try router.nextPacket(WorkerMessage.self).number == 3)
        withExtendedLifetime(idle) {}
    }
}
