import Glibc

/// The end of a process that cannot have the memory that it needs.
public enum OutOfMemory {
    /// Says so on standard error, and ends the process with the status of a run that failed.
    public static func end(_ byteCount: Int) -> Never {
        let text = """
            error: there is no memory for \(byteCount) bytes more
            hint: give this process more memory (ulimit -v, the container's or the job's limit), or use fewer workers on this machine

            """
        _ = Array(text.utf8).withUnsafeBytes { write(2, $0.baseAddress!, $0.count) }
        _exit(1)
    }
}
