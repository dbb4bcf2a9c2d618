import Glibc

/// What to do about an error number of the system, where that does not depend on what was tried.
public enum SystemHint {
    /// - Returns: nil where the number alone says too little.
    public static func text(for code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT: "free some space on that disk, or write elsewhere"
        case EMFILE: "too many open files: raise the limit with `ulimit -n`"
        case ENFILE: "this machine has too many open files: raise fs.file-max, or end what holds them"
        case ENOMEM:
            "this machine or the limit of this process has no memory left: see `ulimit -v` and the container's limit"
        case EROFS: "that file system is read-only: write elsewhere"
        default: nil
        }
    }
}
