import Common
import Foundation

/// A short private directory for the sockets of a local run.
///
/// Not under `output`: the path of a local socket ends at about 100 bytes. Only this user may enter it, which is what
/// keeps others out of a run over ipc.
final class SocketDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/selmix-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SelMixError(
                .failed, "no directory for sockets can be made in /tmp", cause: String(cString: strerror(errno)))
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func address(_ name: String) -> String { "ipc://\(path)/\(name)" }
}
