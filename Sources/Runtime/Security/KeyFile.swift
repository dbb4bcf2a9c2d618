import Common
import Foundation
import Messaging

/// One key in a file of one line: `selmix-public-key` or `selmix-secret-key`, and 64 hexadecimal digits. The word keeps a
/// secret that was copied to the wrong place from being taken for a public key.
struct KeyFile {
    enum Kind: String {
        case publicKey = "selmix-public-key"
        case secretKey = "selmix-secret-key"

        var mode: mode_t { self == .secretKey ? 0o600 : 0o644 }
    }

    let path: String
    let kind: Kind

    /// - Throws: `usage` when the file is missing, open to others, or no such key. Its content is never told.
    func read() throws -> CurveKey {
        // Opened first, so that what is checked is what is read.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SelMixError(
                .usage, "cannot read the key file \(path)",
                hint: "make keys with `selmix keygen DIR NAME...`, and give their directory with --keys",
                cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SelMixError(.usage, "the key file \(path) is no regular file")
        }
        try FilePermissions(status, path: path).check(secret: kind == .secretKey)

        var bytes = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        let words = (TextFile.text(of: bytes.prefix(max(0, count))) ?? "").split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[0] == kind.rawValue, let key = CurveKey(hexadecimal: words[1]) else {
            throw SelMixError(
                .usage, "\(path) holds no \(kind == .secretKey ? "secret" : "public") key of selmix",
                hint: "make keys with `selmix keygen DIR NAME...`")
        }
        return key
    }

    /// Writes a new file; one that is there stays as it is.
    func create(_ key: CurveKey) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kind.mode)
        guard descriptor >= 0 else {
            throw SelMixError(
                .failed, errno == EEXIST ? "\(path) is there already" : "cannot write \(path)",
                hint: errno == EEXIST ? "keys are never overwritten; delete the old ones first" : nil,
                cause: String(cString: strerror(errno)))
        }
        let text = Array("\(kind.rawValue) \(key.hexadecimal)\n".utf8)
        // The mode again, as the umask may have taken something away that a reader needs.
        let isWritten =
            fchmod(descriptor, kind.mode) == 0 && write(descriptor, text, text.count) == text.count
            && fsync(descriptor) == 0
        let cause = String(cString: strerror(errno))
        close(descriptor)
        guard isWritten else {
            unlink(path)
            throw SelMixError(.failed, "cannot write \(path)", cause: cause)
        }
    }
}
