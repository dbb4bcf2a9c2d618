import Common
import Foundation

/// Key files that a launcher has handed to an agent: in a directory that only this user may enter, for as long as the agent
/// lives.
final class HandedKeys {
    private let directory: SocketDirectory

    var path: String { directory.path }

    /// - Parameter files: by their path in the key directory.
    init(_ files: [String: String]) throws {
        directory = try SocketDirectory()
        for (name, text) in files {
            let path = directory.path + "/" + name
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else {
                throw SelMixError(.cluster, "the launcher hands over a key by a wrong name")
            }
            if parts.count == 2 { mkdir(directory.path + "/" + parts[0], 0o700) }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            let bytes = Array(text.utf8)
            let isWritten = descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count
            let cause = String(cString: strerror(errno))
            if descriptor >= 0 { close(descriptor) }
            guard isWritten else {
                throw SelMixError(
                    .cluster, "keys cannot be written to \(directory.path)", hint: "make room in /tmp", cause: cause)
            }
        }
    }
}
