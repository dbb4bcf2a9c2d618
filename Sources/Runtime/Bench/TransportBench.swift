import Common
import Coordination
import Foundation
import Messaging
import Training

/// How fast tensors go over loopback TCP between two threads of this process, without and with CURVE.
public struct TransportBench: Encodable, Sendable {
    public struct Rate: Encodable, Sendable {
        /// 10^9 bytes a second.
        public var toWorker: Double
        public var toCoordinator: Double
    }

    public var messageBytes: Int
    public var messages: Int
    public var plain: Rate
    public var curve: Rate
    /// Time with CURVE over time without, both directions together.
    public var timeRatio: Double

    public init(messageBytes: Int, messages: Int) throws {
        self.messageBytes = messageBytes
        self.messages = messages
        plain = try Self.measure(messageBytes, messages, withKeys: false)
        curve = try Self.measure(messageBytes, messages, withKeys: true)
        timeRatio = (1 / curve.toWorker + 1 / curve.toCoordinator) / (1 / plain.toWorker + 1 / plain.toCoordinator)
    }

    private static let incarnation = Incarnation(rawValue: 1)
    private static let header = Header(
        runID: RunID(high: 1, low: 1), epoch: Epoch(rawValue: 1), worker: "bench", incarnation: incarnation)

    private static func measure(_ size: Int, _ count: Int, withKeys: Bool) throws -> Rate {
        let (server, client) = (try CurveKeyPair.random(), try CurveKeyPair.random())
        let context = try MessagingContext()
        func options(_ security: SocketSecurity) -> Socket.Options {
            .init(longestFrame: 1 << 36, queueLength: 64, security: security)
        }
        let admits: @Sendable (CurveKey) -> KeyName? = { $0 == client.publicKey ? KeyName("bench") : nil }
        let keeper = try Doorkeeper(context: context, admits: withKeys ? admits : nil)
        let router = try Socket(
            .router, context: context, options: options(withKeys ? .server(server) : .none),
            doorkeeper: keeper)
        let address = try router.bind("tcp://127.0.0.1:*")
        let dealer = try Socket(
            .dealer(incarnation), context: try MessagingContext(),
            options: options(withKeys ? .client(client, server: server.publicKey) : .none))
        try dealer.connect(address)
        let peer = Peer(socket: dealer)
        // Connects, and is warm.
        try peer.exchange(WorkerMessage.leaving(reason: ""), 1, 1, to: nil, receivedBy: router, WorkerMessage.self)
        let home = Peer(socket: router)
        let up = try timed {
            try peer.exchange(
                WorkerMessage.leaving(reason: ""), size, count, to: nil, receivedBy: router, WorkerMessage.self)
        }
        let down = try timed {
            try home.exchange(
                CoordinatorMessage.alive, size, count, to: incarnation, receivedBy: peer.socket, CoordinatorMessage.self
            )
        }
        let bytes = Double(size) * Double(count) / 1e9
        return Rate(toWorker: bytes / down, toCoordinator: bytes / up)
    }

    /// One end. ZeroMQ's own threads do the work, so that one thread here drives both.
    private struct Peer {
        let socket: Socket

        func exchange<Sent: WireEncodable, Received: WireDecodable>(
            _ message: Sent, _ size: Int, _ count: Int, to peer: Incarnation?, receivedBy other: Socket,
            _ type: Received.Type
        ) throws {
            let buffer = AlignedBuffer(byteCount: size, zeroed: true)
            let tensor = TensorFrame(
                name: "t", type: .bytes, shape: [size], bytes: buffer.bytes, owner: buffer)
            let packet = Packet(message, header: TransportBench.header, tensors: [tensor])
            var (sent, received) = (0, 0)
            let deadline = ContinuousClock.now + .seconds(300)
            let wake = try WakeSignal()
            while received < count {
                while sent < count, sent - received < 8, socket.canSend, socket.send(packet, to: peer) == .sent {
                    sent += 1
                }
                Poller.wait([other], wake: wake, timeout: .milliseconds(1))
                while let result = other.receive(type) {
                    guard case .packet = result else { throw SelMixError(.failed, "a message was refused: \(result)") }
                    received += 1
                }
                guard ContinuousClock.now < deadline else { throw SelMixError(.failed, "nothing arrives any more") }
            }
        }
    }

    private static func timed(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body).seconds
    }
}
