import Common
import Foundation

/// The secret that lets somebody beyond this machine read a run: 64 hexadecimal digits in a file that only its owner reads.
enum TokenFile {
    static let name = "http-token"

    /// The token of a file; made where there is no file.
    static func token(at path: String) throws -> String {
        if FileManager.default.fileExists(atPath: path) { return try read(path) }
        var random = SystemRandomNumberGenerator()
        let token = (0..<4).map { _ in random.next().hexadecimal }.joined()
        // Aside first: a process that is killed here must not leave half a token, which every later start would refuse.
        let aside = "\(path).\(getpid()).partial"
        unlink(aside)
        defer { unlink(aside) }
        let descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SelMixError(
                .failed, "the token file \(path) cannot be made", cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        let bytes = Array((token + "\n").utf8)
        guard Foundation.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw SelMixError(
                .failed, "the token file \(path) cannot be written", cause: String(cString: strerror(errno)))
        }
        // Fails, and changes nothing, where somebody else has made it meanwhile.
        if link(aside, path) != 0 {
            if errno == EEXIST { return try read(path) }
            // Not every file system has hard links.
            guard rename(aside, path) == 0 else {
                throw SelMixError(
                    .failed, "the token file \(path) cannot be made", cause: String(cString: strerror(errno)))
            }
        }
        return token
    }

    /// - Throws: when the file is no token, or others may read it.
    static func read(_ path: String) throws -> String {
        // Opened first, so that what is checked is what is read.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            let cause = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            throw SelMixError(.invalidInput, "the token file \(path) cannot be read", cause: cause)
        }
        defer { close(descriptor) }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw SelMixError(
                .invalidInput, "the token file \(path) belongs to user \(status.st_uid), who knows the token",
                hint: "remove it, and one is made; or name a file of your own")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw SelMixError(.invalidInput, "others may read the token file \(path)", hint: "chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Foundation.read(descriptor, &bytes, bytes.count)
        let text = TextFile.text(of: bytes.prefix(max(0, count))) ?? ""
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard token.utf8.count >= 32, token.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ";") }) else {
            throw SelMixError(
                .invalidInput, "\(path) holds no token",
                hint: "a token is one line of 32 or more letters and digits; without the file one is made")
        }
        return token
    }
}
