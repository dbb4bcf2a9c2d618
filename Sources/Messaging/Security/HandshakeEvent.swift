import CZeroMQ
import Coordination

/// What ZeroMQ tells of a socket whose connections it watches: an event, a value, and then the endpoint in a second frame.
enum HandshakeEvent: Equatable {
    case failed(Rejection)
    /// There is a connection with this descriptor.
    case accepted(Int32)
    /// The connection with this descriptor has ended.
    case ended(Int32)
    /// The socket is closed; nothing more will come.
    case stopped

    static let mask =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        | ZMQ_EVENT_MONITOR_STOPPED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED

    /// - Returns: nil for what is none of these.
    init?(_ frame: [UInt8]) {
        guard frame.count == 6 else { return nil }
        let event = Int32(UInt16(frame[0]) | UInt16(frame[1]) << 8)
        let value = frame[2...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        switch event {
        case ZMQ_EVENT_MONITOR_STOPPED: self = .stopped
        case ZMQ_EVENT_ACCEPTED: self = .accepted(Int32(bitPattern: value))
        case ZMQ_EVENT_DISCONNECTED, ZMQ_EVENT_CLOSED: self = .ended(Int32(bitPattern: value))
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: self = .failed(.unlistedKey)
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: self = .failed(.noHandshake)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
            let isMismatch = value == UInt32(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
            self = .failed(isMismatch ? .plainClient : .badHandshake)
        default: return nil
        }
    }
}
