import Common
import Foundation

/// Who may read and change a file or directory.
struct FilePermissions {
    private let status: stat
    private let path: String

    init(_ status: stat, path: String) {
        self.status = status
        self.path = path
    }

    /// - Throws: `usage` when someone else owns it or may change it, or, for a secret, read it.
    ///
    /// Root may own it, as root can read everything. What root owns may be readable to a group too: that is how Kubernetes
    /// hands a secret to a process that is not root.
    func check(secret: Bool, of purpose: Purpose = .keys) throws {
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw SelMixError(
                .usage, "\(path) belongs to user \(status.st_uid), not to this one (\(geteuid()))",
                hint: "whoever owns it can change it; use a copy of your own")
        }
        let mode = status.st_mode & 0o777
        let tooOpen: mode_t = !secret ? 0o022 : status.st_uid == 0 && geteuid() != 0 ? 0o037 : 0o077
        guard mode & tooOpen == 0 else {
            throw SelMixError(
                .usage,
                "\(path) has mode \(String(mode, radix: 8)): others may \(secret ? "read or change" : "change") it",
                hint: "chmod \(secret ? "600" : "go-w") \(path)"
                    + (purpose == .keys
                        ? ", and make new keys if someone may have read it" : ", or name another with --cache"))
        }
    }

    enum Purpose {
        case keys, cache
    }

    /// - Throws: `usage` when there is no such directory, or others may change what is in it.
    static func checkDirectory(_ path: String, of purpose: Purpose = .keys) throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw SelMixError(
                .usage, "there is no \(purpose == .keys ? "key" : "cache") directory \(path)",
                hint: purpose == .keys
                    ? "make one with `selmix keygen \(path) NAME...`, a NAME for each worker"
                    : "name another with --cache")
        }
        try FilePermissions(status, path: path).check(secret: false, of: purpose)
    }
}
