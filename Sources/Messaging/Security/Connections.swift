import Glibc

/// The connections of a process, as far as ZeroMQ reports them, and which of them are ended where there are too many.
///
/// ZeroMQ itself accepts without end, and once the process may open nothing more its thread turns in a circle while checkpoints
/// fail. A connection is ended by shutting down its socket, which to ZeroMQ looks as if the peer had hung up: closing it is for
/// ZeroMQ, which owns it. Numbers of descriptors are used again, so each is held against the inode of its socket first.
///
/// Whoever has said something sensible stays. Where keys are in use, so does everybody who is older than a handshake may be, as
/// without a key nobody gets that old. Of the others those go first that have not said a byte for a while (``Rank``), as a worker
/// speaks as soon as it is connected.
struct Connections {
    private struct Connection {
        var inode: UInt64
        var order: Int
        var since: ContinuousClock.Instant
        var isProven = false
        var hasSpoken = false
    }

    let most: Int
    private let provesKeys: Bool
    private var open: [Int32: Connection] = [:]
    private var accepted = 0

    init(most: Int, provesKeys: Bool) { (self.most, self.provesKeys) = (max(1, most), provesKeys) }

    var count: Int { open.count }
    var areTooMany: Bool { open.count > most }

    mutating func add(_ descriptor: Int32) {
        guard let inode = Self.inode(descriptor) else { return }
        accepted += 1
        open[descriptor] = Connection(inode: inode, order: accepted, since: .now)
    }

    mutating func remove(_ descriptor: Int32) { open[descriptor] = nil }

    mutating func prove(_ descriptors: Set<Int32>) {
        for descriptor in descriptors { open[descriptor]?.isProven = true }
    }

    /// Ends connections until there are no more than there may be.
    ///
    /// - Returns: how many.
    mutating func end() -> Int {
        // Some may have ended without a word.
        open = open.filter { Self.inode($0.key) == $0.value.inode }
        for (descriptor, connection) in open where !connection.hasSpoken {
            open[descriptor]?.hasSpoken = Self.hasSpoken(descriptor)
        }
        let excess = max(0, open.count - most)
        guard excess > 0 else { return 0 }
        let now = ContinuousClock.now
        let order = open.map { (descriptor: $0.key, rank: rank($0.value, at: now), order: $0.value.order) }
            .sorted {
                ($0.rank.rawValue, $0.rank.isOldestFirst ? $0.order : -$0.order)
                    < ($1.rank.rawValue, $1.rank.isOldestFirst ? $1.order : -$1.order)
            }
        // Some more than have to, so that this is not done for each that comes.
        let extra = min(most / 16, max(0, order.count { $0.rank == .silent } - excess))
        let ended = order.prefix(excess + extra)
        for connection in ended {
            shutdown(connection.descriptor, Int32(SHUT_RDWR))
            open[connection.descriptor] = nil
        }
        return ended.count
    }

    /// Which are ended first.
    private enum Rank: Int {
        /// Has not said a byte in the time that it takes from the other end of the world.
        case silent
        /// Has not said a byte yet. Those that came first keep their place, or nobody would get to speak in a crowd that is fast enough.
        case arriving
        case speaking
        /// Where all are of these there is no room for the last.
        case staying

        var isOldestFirst: Bool { self == .silent || self == .speaking }
    }

    private static let arrivalTime = Duration.milliseconds(500)

    private func rank(_ connection: Connection, at now: ContinuousClock.Instant) -> Rank {
        if stays(connection, at: now) { return .staying }
        if connection.hasSpoken { return .speaking }
        return now - connection.since > Self.arrivalTime ? .silent : .arriving
    }

    private func stays(_ connection: Connection, at now: ContinuousClock.Instant) -> Bool {
        connection.isProven || provesKeys && now - connection.since > Socket.handshakeLimit + .seconds(1)
    }

    /// Whether anything has come; of what is no TCP connection that is not known.
    private static func hasSpoken(_ descriptor: Int32) -> Bool {
        // struct tcp_info of Linux 4.2 and newer, of which older ones have the beginning alone.
        var information = [UInt8](repeating: 0, count: 136)
        var length = socklen_t(information.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &length) == 0, length >= 136 else {
            return true
        }
        return information[128..<136].contains { $0 != 0 }
    }

    /// Nil for what is no open socket.
    private static func inode(_ descriptor: Int32) -> UInt64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return UInt64(status.st_ino)
    }
}
