import CZeroMQ
import Coordination

/// A peer that speaks ZeroMQ but not our protocol.
final class RawPeer {
    private let context: UnsafeMutableRawPointer
    private let socket: UnsafeMutableRawPointer

    /// - Parameter routingID: what a router knows it by; without one, ZeroMQ makes one up.
    init(_ type: Int32 = ZMQ_DEALER, routingID: [UInt8] = []) {
        context = zmq_ctx_new()
        socket = zmq_socket(context, type)
        var (linger, timeout) = (Int32(0), Int32(60_000))
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, 4)
        zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout, 4)
        zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout, 4)
        if !routingID.isEmpty { zmq_setsockopt(socket, ZMQ_ROUTING_ID, routingID, routingID.count) }
    }

    convenience init(_ type: Int32 = ZMQ_DEALER, connectedTo address: String, routingID: [UInt8] = []) throws {
        self.init(type, routingID: routingID)
        guard zmq_connect(socket, address) == 0 else { throw Failed() }
    }

    deinit {
        zmq_close(socket)
        zmq_ctx_term(context)
    }

    struct Failed: Error {}

    func bind() throws -> String {
        var address = [CChar](repeating: 0, count: 256)
        var length = address.count
        guard zmq_bind(socket, "tcp://127.0.0.1:*") == 0,
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, &address, &length) == 0
        else { throw Failed() }
        return String(decoding: address.prefix(length - 1).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func send(_ frames: [[UInt8]]) throws {
        for (index, frame) in frames.enumerated() {
            let more = index + 1 < frames.count ? ZMQ_SNDMORE : 0
            guard zmq_send(socket, frame, frame.count, more) >= 0 else { throw Failed() }
        }
    }

    func receive() throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var hasMore = true
        while hasMore {
            var message = zmq_msg_t()
            zmq_msg_init(&message)
            defer { zmq_msg_close(&message) }
            guard zmq_msg_recv(&message, socket, 0) >= 0 else { throw Failed() }
            frames.append(Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
            hasMore = zmq_msg_more(&message) != 0
        }
        return frames
    }

    /// The routing id of an incarnation, as the contract says.
    static func routingID(_ incarnation: Incarnation) -> [UInt8] {
        Array("w".utf8) + withUnsafeBytes(of: incarnation.rawValue.littleEndian, Array.init)
    }
}
