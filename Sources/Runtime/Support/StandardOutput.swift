import Common
import Foundation
import Synchronization

/// Standard output, which carries results: a result that could not be written is an error, unlike a message
/// (``StandardError``). The first failure is kept, and whoever ends the process asks for it.
public enum StandardOutput {
    /// Why something could not be written.
    public struct Failure: Error, Sendable, Equatable {
        public var code: Int32

        /// Whether whoever reads had enough and left, as `head` does. Programs end by SIGPIPE then, without a word.
        public var isReaderGone: Bool { code == EPIPE }

        public var error: SelMixError {
            SelMixError(
                .failed, "standard output: \(String(cString: strerror(code)))",
                hint: "what was asked for is not there, or only in part")
        }
    }

    private static let state = Mutex<Failure?>(nil)

    /// Writes all of it, however long the reader takes. Once something was lost, nothing more is written.
    public static func write(_ text: String) {
        state.withLock { failure in
            if failure == nil { failure = write(Array(text.utf8), to: 1) }
        }
    }

    /// What could not be written so far; it counts as dealt with then.
    public static func takeFailure() -> Failure? {
        state.withLock { failure in
            defer { failure = nil }
            return failure
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Failure? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Someone who shares the terminal or the pipe has set it not to block.
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Foundation.poll(&poll, 1, -1)
            } else if errno != EINTR {
                return Failure(code: errno)
            }
        }
        return nil
    }
}

/// Descriptors 0, 1 and 2, as this program needs to find them.
public enum StandardDescriptors {
    /// To be called before anything is opened.
    ///
    /// A closed descriptor would be given to the next file or socket that is opened, and messages would be written into
    /// that. It is taken by a file that refuses what is wrong with it: reading from 0, writing to 1 and 2. A reader who goes
    /// away shows as an error of the write, as a signal would end the process.
    public static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // Takes the lowest free number, which is this one.
            _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
        }
    }

    /// Ends this process as one ends whose reader has left.
    public static func endForWantOfReader() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        exit(128 + SIGPIPE)
    }
}
