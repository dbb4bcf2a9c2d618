import Common
import Coordination
import Foundation
import Messaging

/// Addresses that only this machine reaches: below a fresh directory, or at ports of 127.0.0.1 that are picked free.
final class Loopback {
    enum Transport: CaseIterable { case ipc, tcp }

    /// Short, as the path of a local socket ends at about 100 bytes.
    let directory: String
    private let transport: Transport
    let context: MessagingContext

    init(_ transport: Transport) throws {
        self.transport = transport
        var template = Array("/tmp/selmix-messaging-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        context = try MessagingContext()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Where routers listen.
    var listening: String { transport == .ipc ? "ipc://\(directory)/router" : "tcp://127.0.0.1:*" }

    /// A router and where it listens.
    func router(longestFrame: Int = 1 << 20, queueLength: Int = 100) throws -> (socket: Socket, address: String) {
        let socket = try Socket(
            .router, context: context, options: .init(longestFrame: longestFrame, queueLength: queueLength))
        return (socket, try socket.bind(listening))
    }

    func dealer(
        _ incarnation: Incarnation, to address: String, longestFrame: Int = 1 << 20, queueLength: Int = 100
    ) throws -> Socket {
        let socket = try Socket(
            .dealer(incarnation), context: context,
            options: .init(longestFrame: longestFrame, queueLength: queueLength))
        try socket.connect(address)
        return socket
    }
}

/// What was waited for did not come.
struct TimedOut: Error {}

private let patience = Duration.seconds(30)

/// Waits for a condition, which looks at it whenever one of the sockets can be read and every now and then. The limit is
/// for what never comes; nothing depends on how long something takes.
func wait(on sockets: Socket..., until condition: () throws -> Bool) throws {
    let (clock, wake) = (ContinuousClock(), try WakeSignal())
    let deadline = clock.now + patience
    while try !condition() {
        guard clock.now < deadline else { throw TimedOut() }
        Poller.wait(sockets, wake: wake, timeout: .milliseconds(2))
    }
}

extension Socket {
    /// The next packet or rejection, however long it takes.
    func next<Message: WireDecodable>(_ type: Message.Type = Message.self) throws -> Received<Message> {
        var received: Received<Message>?
        try wait(on: self) {
            received = receive(type)
            return received != nil
        }
        return received!
    }

    /// The next packet; a rejection is an error.
    func nextPacket<Message: WireDecodable>(_ type: Message.Type = Message.self) throws -> Packet<Message> {
        switch try next(type) {
        case .packet(let packet): return packet
        case .rejected(let error): throw error
        }
    }

    /// The reason why the next message is none; a packet is an error.
    func nextRejection<Message: WireDecodable>(_ type: Message.Type) throws -> String {
        switch try next(type) {
        case .packet: throw NoRejection()
        case .rejected(let error): return error.reason
        }
    }

    struct NoPacket: Error {}
    struct NoRejection: Error {}

    /// Sends as soon as there is a connection.
    func sendWhenPossible(_ packet: Packet<some WireEncodable>, to peer: Incarnation? = nil) throws {
        try wait { send(packet, to: peer) == .sent }
    }
}

/// A numbered message of a worker.
func numbered(_ number: Int, from incarnation: Incarnation, tensors: [TensorFrame] = []) -> Packet<WorkerMessage> {
    Packet(
        .heartbeat(Heartbeat(phase: .loading, blocks: UInt64(number), weights: nil, holding: [])),
        header: .to(incarnation), tensors: tensors)
}

/// A numbered message to a worker.
func numbered(_ number: Int, to incarnation: Incarnation, tensors: [TensorFrame] = []) -> Packet<CoordinatorMessage> {
    Packet(
        .weights(WeightsVersion(number), Digest(rawValue: 0), passedOn: false), header: .to(incarnation),
        tensors: tensors)
}

extension Packet<WorkerMessage> {
    var number: Int? { if case .heartbeat(let heartbeat) = message { Int(heartbeat.blocks) } else { nil } }
}

extension Packet<CoordinatorMessage> {
    var number: Int? { if case .weights(let version, _, _, _) = message { version.rawValue } else { nil } }
}

extension Header {
    /// To or from this incarnation.
    static func to(_ incarnation: Incarnation) -> Header {
        Header(runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), worker: "w", incarnation: incarnation)
    }
}

extension Incarnation {
    static let first = Incarnation(rawValue: 0x1111_2222_3333_4444)
    static let second = Incarnation(rawValue: 2)
}
