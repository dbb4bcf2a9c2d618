import Foundation
import Synchronization

/// Writes messages for people and log collectors to a descriptor, and never lets them become more important than the run.
///
/// A reader may go away (a closed descriptor, a pipe without a reader, a terminal that hung up), refuse (a full disk), or just
/// stop reading (a pager, Ctrl-S). None of that may end a run, change an exit status or hold up the thread that answers
/// heartbeats. So nothing here throws or traps, a message that cannot be written is dropped, and a reader who has stopped
/// reading is waited for once and briefly, then not at all until there is room again.
public final class MessageStream: Sendable {
    private struct State {
        /// What is written to: the descriptor itself, or the same file opened once more so that writing never blocks.
        var target: Int32?
        /// The last message could not be written as a whole.
        var isBehind = false
        /// Part of the last message was written, and its end was not.
        var isTorn = false
    }

    /// How long a reader who lets a pipe run full is waited for. Well below any failure time-out, as callers may be the ones
    /// who answer heartbeats.
    public static let patience = Duration.milliseconds(100)
    /// What is written at once: as much as a pipe takes in one piece.
    private static let longestPiece = 4096

    private let descriptor: Int32
    private let state = Mutex(State())

    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// - Parameter patience: how long to wait where there is no room; the last words of a process deserve more than others.
    /// - Returns: whether all of it was written.
    @discardableResult
    public func write(_ bytes: some Collection<UInt8>, patience: Duration = patience) -> Bool {
        state.withLock { state in
            let target = state.target ?? Self.opened(descriptor)
            state.target = target
            let rest = (state.isTorn ? [UInt8(ascii: "\n")] : []) + Array(bytes)
            // Whoever did not read a moment ago is not waited for again.
            let isFirstWait = !state.isBehind || patience > Self.patience
            let written = Self.write(rest, to: target, patience: isFirstWait ? patience : .zero)
            state.isBehind = written < rest.count
            if written > 0 { state.isTorn = state.isBehind }
            return !state.isBehind
        }
    }

    @discardableResult
    public func write(_ text: String, patience: Duration = patience) -> Bool { write(text.utf8, patience: patience) }

    /// Opens a pipe or a terminal once more, not to block. The flag would hold for everyone who shares the open file, so it
    /// cannot be set on the descriptor itself. Files on disks do not block, and would be written from their beginning.
    private static func opened(_ descriptor: Int32) -> Int32 {
        var status = stat()
        guard fstat(descriptor, &status) == 0, [S_IFIFO, S_IFCHR].contains(status.st_mode & S_IFMT) else {
            return descriptor
        }
        let again = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        return again >= 0 ? again : descriptor
    }

    /// - Returns: how many bytes were written.
    private static func write(_ bytes: [UInt8], to target: Int32, patience: Duration) -> Int {
        let deadline = ContinuousClock.now + patience
        var done = 0
        while done < bytes.count {
            let piece = bytes[done..<min(done + longestPiece, bytes.count)]
            guard hasRoom(target, until: deadline) else { return done }
            let count = piece.withUnsafeBytes { Foundation.write(target, $0.baseAddress, $0.count) }
            if count > 0 { done += count }
            if count < 0, errno != EINTR, errno != EAGAIN { return done }
        }
        return done
    }

    private static func hasRoom(_ target: Int32, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            var poll = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            let ready = Foundation.poll(&poll, 1, Int32(max(0, left.rounded(.up))))
            // A reader who is gone counts as ready: the write says so.
            if ready > 0 { return true }
            if ready == 0 || errno != EINTR { return false }
        }
    }
}

/// Standard error. Every message of this program goes through here; results go through ``StandardOutput``.
public enum StandardError {
    private static let stream = MessageStream(descriptor: 2)

    public static func write(_ text: String) { stream.write(text) }

    public static func line(_ text: String) { stream.write(text + "\n") }

    public static func line(_ bytes: some Collection<UInt8>) { stream.write(Array(bytes) + [UInt8(ascii: "\n")]) }

    /// What a process says before it ends.
    public static func lastLine(_ text: String) { stream.write(text + "\n", patience: .seconds(1)) }
}
