import Glibc

/// open(2), tried again for ten seconds while the process has no descriptor left.
///
/// A crowd of connections can take the descriptors that are kept for files: ZeroMQ accepts whoever comes, and those that are
/// too many are closed a moment later. What is written then must not fail for that moment.
public func openPatiently(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
    var attempts = 1000
    while true {
        let descriptor = open(path, flags, mode)
        guard descriptor < 0, errno == EMFILE || errno == ENFILE, attempts > 0 else { return descriptor }
        attempts -= 1
        usleep(10_000)
    }
}
