import Common
import Glibc

/// How many files, sockets and pipes this process may have open at a time.
///
/// What runs into the limit fails where it is least expected: ZeroMQ aborts, a checkpoint cannot be written, a connection that
/// cannot be accepted keeps a thread busy. So the limit is raised at the start, and what will be needed is asked for before
/// anything depends on it.
public enum OpenFiles {
    /// Some programs that this one starts go through every number below their limit, so more than enough is no use.
    private static let most: rlim_t = 65_536

    /// How many this process may have open.
    public static var limit: Int {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return 1024 }
        return Int(min(limits.rlim_cur, rlim_t(Int32.max)))
    }

    /// Raises the limit as far as the system allows without asking anybody.
    public static func raiseLimit() {
        var limits = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0 else { return }
        let wanted = min(limits.rlim_max, most)
        guard limits.rlim_cur < wanted else { return }
        limits.rlim_cur = wanted
        // Where it stays as it was, `require` says what is missing.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }

    /// Makes sure that so many more can be opened now.
    ///
    /// - Parameter purpose: what needs them, as the error names it.
    /// - Throws: `failed` where they cannot.
    public static func require(_ count: Int, for purpose: String) throws {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        while opened.count < count {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw SelMixError(
                    .failed,
                    "too many open files: \(purpose) needs \(count) more, and \(opened.count) of \(limit) are left",
                    hint: "raise the limit: ulimit -n \(2 * (limit + count))",
                    cause: String(cString: strerror(errno)))
            }
            opened.append(descriptor)
        }
    }
}
