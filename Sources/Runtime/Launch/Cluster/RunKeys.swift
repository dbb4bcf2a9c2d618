import Common
import Foundation

/// The keys of one launch: made when it starts, gone when it ends. A host's workers share the key of its name.
///
/// They reach a host through the standard input of its agent, so they are on no command line and in no log.
final class RunKeys: Sendable {
    let directory: KeyDirectory
    private let place: SocketDirectory
    /// By host and path in the key directory.
    private let handed: [String: [String: String]]

    init(hosts: [String]) throws {
        place = try SocketDirectory()
        let directory = KeyDirectory(path: place.path + "/keys")
        _ = try directory.create(workers: hosts)
        self.directory = directory
        var handed: [String: [String: String]] = [:]
        for host in hosts {
            for name in ["coordinator.public", "workers/\(host).secret"] {
                handed[host, default: [:]][name] = try String(
                    contentsOfFile: directory.path + "/" + name, encoding: .utf8)
            }
        }
        self.handed = handed
    }

    /// What the workers of a host need.
    func files(for host: String) -> [String: String] { handed[host] ?? [:] }
}
