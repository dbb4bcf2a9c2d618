import Common
import Foundation

/// A short private directory for the sockets of a local run, and for what else only this user may see while a process lives.
///
/// Not under `output`: the path of a local socket ends at about 100 bytes. Only this user may enter it, which is what
/// keeps others out of a run over ipc. Its maker holds a lock in it, so that what a killed process left, which may be keys,
/// is recognised: its children take it away (``remove(ifAbandoned:)``), or whoever makes such a directory next.
final class SocketDirectory: Sendable {
    let path: String
    private let lock: Int32

    private static let prefix = "selmix-"
    private static let lockName = ".lock"
    /// What is left for a directory's path, with the longest name of a socket in it.
    private static let longestPlace = 107 - "/selmix-XXXXXX/peer-1234567-0123456789abcdef".utf8.count

    convenience init() throws { try self.init(in: Self.places(ProcessInfo.processInfo.environment)) }

    /// - Parameter places: directories to try, in this order.
    init(in places: [String]) throws {
        var complaints: [String] = []
        for place in places {
            guard place.utf8.count <= Self.longestPlace else {
                complaints.append("\(place) (too long for sockets)")
                continue
            }
            Self.removeAbandoned(in: place)
            // Whoever cleans up at this moment may take a directory away before its lock is held.
            for _ in 0..<10 {
                var template = Array("\(place)/\(Self.prefix)XXXXXX".utf8CString)
                guard mkdtemp(&template) != nil else {
                    complaints.append("\(place) (\(String(cString: strerror(errno))))")
                    break
                }
                let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if let lock = Self.lock(path, creating: true) {
                    (self.path, self.lock) = (path, lock)
                    return
                }
            }
        }
        throw SelMixError(
            .failed, "no directory for sockets can be made: \(complaints.joined(separator: ", "))",
            hint: "set TMPDIR to a directory on this machine that can be written, with a path of at most "
                + "\(Self.longestPlace) bytes")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        close(lock)
    }

    func address(_ name: String) -> String { "ipc://\(path)/\(name)" }

    /// Where such a directory may lie. That of the login comes last, as it goes when its user logs out.
    static func places(_ environment: [String: String]) -> [String] {
        var places: [String] = []
        for place in [environment["TMPDIR"], "/tmp", environment["XDG_RUNTIME_DIR"]].compactMap({ $0 })
        where place.hasPrefix("/") {
            let plain = "/" + place.split(separator: "/").joined(separator: "/")
            if !places.contains(plain) { places.append(plain) }
        }
        return places
    }

    // MARK: What was left behind

    private static func removeAbandoned(in place: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] where name.hasPrefix(prefix) {
            remove(ifAbandoned: "\(place)/\(name)")
        }
    }

    /// Removes a directory of this user whose maker does not live any more.
    ///
    /// - Returns: whether it is gone.
    @discardableResult
    static func remove(ifAbandoned path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        var status = stat()
        guard name.hasPrefix(prefix), name.utf8.count == prefix.utf8.count + 6, lstat(path, &status) == 0,
            status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o777 == 0o700,
            let lock = lock(path, creating: false)
        else { return false }
        defer { close(lock) }
        return (try? FileManager.default.removeItem(atPath: path)) != nil
    }

    /// - Returns: nil where somebody holds it, or there is none.
    private static func lock(_ path: String, creating: Bool) -> Int32? {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0)
        let descriptor = open("\(path)/\(lockName)", flags, 0o600)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        // Locked only now, it may have been taken away in between.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &status) == 0, status.st_nlink > 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
