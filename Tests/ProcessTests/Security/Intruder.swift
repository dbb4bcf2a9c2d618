import CZeroMQ
import Common
import Coordination
import Foundation
import Messaging

/// A ZeroMQ client that is no worker: plain, or with a key.
final class Intruder {
    private let context = zmq_ctx_new()
    private let socket: UnsafeMutableRawPointer?

    /// - Parameters:
    ///   - pair: what it proves; nil for a plain client.
    ///   - server: the coordinator's public key.
    init(_ pair: CurveKeyPair?, server: CurveKey?, incarnation: UInt64, connectingTo address: String) {
        socket = zmq_socket(context, ZMQ_DEALER)
        var (linger, queue) = (Int32(0), Int32(100))
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, 4)
        zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, 4)
        let identity = Array("w".utf8) + withUnsafeBytes(of: incarnation.littleEndian, Array.init)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, identity, identity.count)
        if let pair, let server {
            zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server.bytes, server.bytes.count)
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pair.publicKey.bytes, pair.publicKey.bytes.count)
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair.secretKey.bytes, pair.secretKey.bytes.count)
        }
        zmq_connect(socket, address)
    }

    deinit {
        zmq_close(socket)
        zmq_ctx_term(context)
    }

    /// Queues a message, if there is room; what it says is up to the caller.
    func say(
        _ message: some WireEncodable, as worker: String, incarnation: UInt64, runID: RunID? = RunID(high: 3, low: 4)
    ) {
        let header = Header(
            runID: runID, epoch: Epoch(rawValue: 1), worker: worker,
            incarnation: Incarnation(rawValue: incarnation))
        let bytes = Packet(message, header: header).encodedHeader()
        zmq_send(socket, bytes, bytes.count, ZMQ_DONTWAIT)
    }
}
