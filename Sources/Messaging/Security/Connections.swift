import Glibc

/// The connections of a process, as far as ZeroMQ reports them, and which of them are ended where there are too many.
///
/// ZeroMQ itself accepts without end, and once the process may open nothing more its thread turns in a circle while checkpoints
/// fail. A connection is ended by shutting down its socket, which to ZeroMQ looks as if the peer had hung up: closing it is for
/// ZeroMQ, which owns it. Numbers of descriptors are used again, so each is held against the inode of its socket first.
///
/// Whoever has said something sensible stays. Where keys are in use, so does everybody who is older than a handshake may be, as
/// without a key nobody gets that old. Of the others the oldest goes, as a worker has proved itself within milliseconds.
struct Connections {
    private struct Connection {
        var inode: UInt64
        var order: Int
        var since: ContinuousClock.Instant
        var isProven = false
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
        let now = ContinuousClock.now
        let excess = max(0, open.count - most)
        let order = open.sorted { a, b in
            let (aStays, bStays) = (stays(a.value, at: now), stays(b.value, at: now))
            if aStays != bStays { return bStays }
            // Where all are of those that stay, there is no room for the last.
            return aStays ? a.value.order > b.value.order : a.value.order < b.value.order
        }
        for (descriptor, _) in order.prefix(excess) {
            shutdown(descriptor, Int32(SHUT_RDWR))
            open[descriptor] = nil
        }
        return excess
    }

    private func stays(_ connection: Connection, at now: ContinuousClock.Instant) -> Bool {
        connection.isProven || provesKeys && now - connection.since > Socket.handshakeLimit + .seconds(1)
    }

    /// Nil for what is no open socket.
    private static func inode(_ descriptor: Int32) -> UInt64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        return UInt64(status.st_ino)
    }
}
