import CZeroMQ
import Common
import Coordination

/// One ROUTER or DEALER socket that speaks packets.
///
/// A socket belongs to the thread that drives it. Sending and receiving never block; a message that cannot be queued is
/// reported, so that a peer that stopped reading costs bounded memory and nobody else's time.
public final class Socket {
    public enum Role: Sendable {
        /// The coordinator's side: many peers, each addressed by its incarnation.
        case router
        /// A worker's side.
        case dealer(Incarnation)
    }

    public struct Options: Sendable {
        /// Longest frame that is accepted, in bytes.
        public var longestFrame: Int
        /// Messages that are queued for one peer before sending reports ``SendOutcome/full``.
        public var queueLength: Int
        public var security: SocketSecurity
        /// Of a dealer: whether messages are queued while it is not connected.
        public var queuesUnconnected: Bool

        public init(
            longestFrame: Int, queueLength: Int, security: SocketSecurity = .none, queuesUnconnected: Bool = false
        ) {
            self.queuesUnconnected = queuesUnconnected
            self.longestFrame = longestFrame
            self.queueLength = queueLength
            self.security = security
        }
    }

    public enum SendOutcome: Equatable, Sendable {
        case sent
        /// The peer's queue is full.
        case full
        /// No such peer (any more).
        case unreachable
    }

    let handle: UnsafeMutableRawPointer
    private let context: MessagingContext
    private let role: Role
    private let limits: WireLimits
    /// Whether every sender has proved a key.
    private let checksKeys: Bool
    private let doorkeeper: Doorkeeper?

    /// - Parameter doorkeeper: counts failed handshakes; a server needs one, which decides whom to admit.
    public init(
        _ role: Role, context: MessagingContext, options: Options, doorkeeper: Doorkeeper? = nil
    ) throws {
        let type =
            switch role {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            }
        guard let handle = zmq_socket(context.handle, type) else {
            throw SelMixError.zeroMQ("no ZeroMQ socket could be made")
        }
        self.handle = handle
        self.context = context
        self.role = role
        self.doorkeeper = doorkeeper
        if case .server = options.security { checksKeys = true } else { checksKeys = false }
        limits = WireLimits(tensorBytes: options.longestFrame)
        try configure(options)
    }

    private func configure(_ options: Options) throws {
        try set(ZMQ_LINGER, Int32(0))
        try set(ZMQ_SNDHWM, Int32(options.queueLength))
        try set(ZMQ_RCVHWM, Int32(options.queueLength))
        // ZeroMQ counts what CURVE adds to a frame.
        let isPlain = if case .none = options.security { true } else { false }
        try set(ZMQ_MAXMSGSIZE, Int64(options.longestFrame + (isPlain ? 0 : Self.curveBytes)))
        switch role {
        case .router:
            // Sending to a peer that is gone or does not read is told instead of silently dropped.
            try set(ZMQ_ROUTER_MANDATORY, Int32(1))
            // A peer that connects again takes its place, even if the old connection is not known to be dead or still has
            // unread messages. Otherwise ZeroMQ would never listen to the new one.
            try set(ZMQ_ROUTER_HANDOVER, Int32(1))
        case .dealer(let incarnation):
            try set(ZMQ_IMMEDIATE, Int32(options.queuesUnconnected ? 0 : 1))
            try set(ZMQ_RECONNECT_IVL, Int32(50))
            try set(ZMQ_RECONNECT_IVL_MAX, Int32(1000))
            let identity = Self.identity(incarnation)
            zmq_setsockopt(handle, ZMQ_ROUTING_ID, identity, identity.count)
        }
        try secure(options.security)
        if let doorkeeper { try doorkeeper.watch(handle) }
    }

    deinit {
        if doorkeeper != nil { zmq_socket_monitor(handle, nil, 0) }
        zmq_close(handle)
    }

    /// How long a connection may take until both sides know who the other is.
    static let handshakeLimit = Duration.seconds(10)

    private func secure(_ security: SocketSecurity) throws {
        // Whoever connects and does not say who it is holds a descriptor for this long.
        try set(ZMQ_HANDSHAKE_IVL, Int32(saturating: Self.handshakeLimit.seconds * 1000))
        switch security {
        case .none: break
        case .server(let pair):
            // ZeroMQ lets everyone in where nobody answers its questions; their messages, without a name, are refused even so.
            // Every caller that makes a server makes its doorkeeper two lines before.
            precondition(doorkeeper != nil, "a server without a doorkeeper")
            try set(ZMQ_ZAP_DOMAIN, Array(ZapRequest.domain.utf8))
            try set(ZMQ_CURVE_SERVER, Int32(1))
            try set(ZMQ_CURVE_SECRETKEY, pair.secretKey.bytes)
        case .member(let pair):
            switch role {
            case .router: try secure(.server(pair))
            case .dealer: try secure(.client(pair, server: pair.publicKey))
            }
        case .client(let pair, let server):
            try set(ZMQ_CURVE_SERVERKEY, server.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, pair.publicKey.bytes)
            try set(ZMQ_CURVE_SECRETKEY, pair.secretKey.bytes)
        }
    }

    /// - Returns: the address in ZeroMQ's form, with the port that was picked where `address` asked for any (`:*`).
    public func bind(_ address: String) throws -> String {
        try checkPort(of: address)
        let place: String
        do {
            place = try TCPEndpoint(address)?.listening() ?? address
        } catch let error as SelMixError {
            throw SelMixError(
                .cluster, "cannot listen on \(address): \(error.message)", hint: Self.listeningHint, cause: error.cause)
        }
        try useIPv6(for: place)
        guard zmq_bind(handle, place) == 0 else {
            let inUse = zmq_errno() == EADDRINUSE
            throw SelMixError.zeroMQ(
                inUse ? "the address \(address) is in use" : "cannot listen on \(address)", code: .cluster,
                hint: inUse
                    ? "another coordinator may be running there; choose another port with --bind" : Self.listeningHint)
        }
        var buffer = [CChar](repeating: 0, count: 512)
        var length = buffer.count
        zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &length)
        return String(decoding: buffer.prefix(max(0, length - 1)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static let listeningHint =
        "use an address or an interface of this machine, or all of them: tcp://0.0.0.0:7200, tcp://eth0:7200, "
        + "ipc:///run/user/1000/selmix"

    /// - Parameter overIPv6: whether a name stands for its IPv6 address.
    public func connect(_ address: String, overIPv6: Bool = false) throws {
        try checkPort(of: address)
        if overIPv6 { try set(ZMQ_IPV6, Int32(1)) }
        let place = TCPEndpoint(address)?.connecting(overIPv6: overIPv6) ?? address
        try useIPv6(for: place)
        guard zmq_connect(handle, place) == 0 else {
            throw SelMixError.zeroMQ(
                "cannot connect to \(address)", code: .usage,
                hint: "an address looks like tcp://host:7200 or ipc:///run/user/1000/selmix")
        }
    }

    /// ZeroMQ itself would take port 99999 for 34463, and 72x for 72.
    private func checkPort(of address: String) throws {
        guard address.hasPrefix("tcp://") else { return }
        let port = address.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        guard port != "*", (UInt16(port) ?? 0) == 0 else { return }
        throw SelMixError(
            .usage, "the address \(address) has no port from 1 to 65535",
            hint: "an address looks like tcp://host:7200 or ipc:///run/user/1000/selmix")
    }

    /// Only where an address asks for it, as ZeroMQ would tell IPv4 addresses in IPv6 form otherwise.
    private func useIPv6(for address: String) throws {
        if address.hasPrefix("tcp://[") { try set(ZMQ_IPV6, Int32(1)) }
    }

    /// What encryption adds to a frame at most: a command name, a nonce, flags and an authenticator (ZeroMQ RFC 26).
    private static let curveBytes = 64

    /// Lets what is queued go out for at most this long when the socket is closed.
    public func linger(_ duration: Duration) {
        // Where ZeroMQ refuses, what is queued does not go out, as without it.
        try? set(ZMQ_LINGER, Int32(saturating: duration.seconds * 1000))
    }

    // MARK: Sending

    /// Whether a message would be queued now; of a dealer, whether it is connected.
    public var canSend: Bool {
        var events: Int32 = 0
        var length = MemoryLayout<Int32>.size
        return zmq_getsockopt(handle, ZMQ_EVENTS, &events, &length) == 0 && events & Int32(ZMQ_POLLOUT) != 0
    }

    /// Queues a packet; its tensors go out from where they are.
    ///
    /// - Parameter peer: whom a router addresses; a dealer has one peer and takes nil.
    public func send(_ packet: Packet<some WireEncodable>, to peer: Incarnation? = nil) -> SendOutcome {
        if let peer {
            let identity = Self.identity(peer)
            guard zmq_send(handle, identity, identity.count, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0 else {
                return zmq_errno() == EAGAIN ? .full : .unreachable
            }
        }
        let header = packet.encodedHeader()
        let more = packet.tensors.isEmpty ? 0 : ZMQ_SNDMORE
        guard zmq_send(handle, header, header.count, ZMQ_DONTWAIT | more) >= 0 else { return .full }
        for (index, tensor) in packet.tensors.enumerated() {
            send(tensor, more: index + 1 < packet.tensors.count)
        }
        return .sent
    }

    private func send(_ tensor: TensorFrame, more: Bool) {
        var message = zmq_msg_t()
        if let start = tensor.bytes.baseAddress, tensor.bytes.count > 0 {
            let owner = Unmanaged.passRetained(tensor.owner)
            let status = zmq_msg_init_data(
                &message, UnsafeMutableRawPointer(mutating: start), tensor.bytes.count,
                { _, owner in Unmanaged<AnyObject>.fromOpaque(owner!).release() }, owner.toOpaque())
            if status != 0 {
                // No memory for the few bytes beside a tensor: the peer drops what lacks one, and it is sent again.
                owner.release()
                zmq_msg_init(&message)
            }
        } else {
            zmq_msg_init(&message)
        }
        // Once a message's first frame is accepted, the rest of it is too.
        let sent = zmq_msg_send(&message, handle, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))
        if sent < 0 { zmq_msg_close(&message) }
    }

    // MARK: Receiving

    public enum Received<Message: Sendable>: Sendable {
        case packet(Packet<Message>)
        /// Something that is no packet; it has been taken off the queue.
        case rejected(WireError)
    }

    /// The next packet, if one is there.
    ///
    /// A router checks that the sender is who the header says: a peer cannot speak for another incarnation, nor, where keys
    /// are in use, for a worker that its key does not name.
    public func receive<Message: WireDecodable>(_ type: Message.Type = Message.self) -> Received<Message>? {
        guard let frames = receiveFrames() else { return nil }
        do {
            var rest = frames[...]
            var sender: [UInt8]?
            if case .router = role { sender = rest.popFirst().map { Array($0.bytes) } }
            guard let header = rest.popFirst() else { throw WireError("a message without a header") }
            guard rest.count <= limits.tensors else {
                throw WireError("more than \(limits.tensors) tensor frames in one message")
            }
            let packet = try Packet<Message>(
                decoding: header.bytes, frames: rest.map { ($0.bytes, $0) }, limits: limits)
            if let sender, sender != Self.identity(packet.header.incarnation) {
                throw WireError(
                    "a message of incarnation \(packet.header.incarnation) from another peer", as: .otherSender)
            }
            if checksKeys {
                guard let name = header.keyName, name.speaks(for: packet.header.worker) else {
                    throw WireError(
                        "a message in the name of worker \(packet.header.worker) under the key of "
                            + "\(header.keyName?.text ?? "nobody")", as: .otherSender)
                }
            }
            if let doorkeeper, let connection = header.connection { doorkeeper.prove(connection) }
            return .packet(packet)
        } catch let error as WireError {
            return .rejected(error)
        } catch {
            return .rejected(WireError("\(error)"))
        }
    }

    private func receiveFrames() -> [ReceivedFrame]? {
        var frames: [ReceivedFrame] = []
        repeat {
            let frame = ReceivedFrame()
            guard frame.receive(from: handle) else { return frames.isEmpty ? nil : frames }
            // Frames beyond what any message has are read, so that the next message is found, and let go.
            if frames.count <= limits.tensors + 2 { frames.append(frame) }
            if !frame.hasMore { return frames }
        } while true
    }

    /// The routing id of an incarnation: never starts with a zero byte, which ZeroMQ keeps for itself.
    static func identity(_ incarnation: Incarnation) -> [UInt8] {
        [UInt8(ascii: "w")] + withUnsafeBytes(of: incarnation.rawValue.littleEndian) { Array($0) }
    }

    private func set(_ option: Int32, _ value: some FixedWidthInteger) throws {
        var value = value
        guard zmq_setsockopt(handle, option, &value, MemoryLayout.size(ofValue: value)) == 0 else {
            throw SelMixError.zeroMQ("ZeroMQ refuses the option \(option)")
        }
    }

    private func set(_ option: Int32, _ bytes: [UInt8]) throws {
        guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else {
            throw SelMixError.zeroMQ("ZeroMQ refuses the option \(option)")
        }
    }
}
