import Common
import Coordination
import Foundation

/// Files that workers of this machine have fetched, by their digests, so that no run fetches one again.
///
///     files/DIGEST-SIZE.safetensors     whole files
///     partial/DIGEST-SIZE.safetensors   being fetched, or left by someone who was killed; as long as the whole one
///
/// Which chunks of a partial file are there is seen from their digests, so there is no second file that could disagree. Locks
/// (`flock`) tell other processes what is in use: exclusive while a file is fetched, shared while a worker reads it. They end
/// with their process. When room is needed, what was used longest ago and nobody holds goes first.
struct FileCache: Sendable {
    let path: String
    /// What all files together may take, in bytes.
    let limit: Int

    /// An open file of the cache; its lock goes with it.
    final class Entry: @unchecked Sendable {
        let path: String
        let descriptor: Int32

        fileprivate init(path: String, descriptor: Int32) {
            self.path = path
            self.descriptor = descriptor
        }

        deinit { close(descriptor) }
    }

    private static func name(_ file: StagedFile, suffix: String) -> String {
        "\(file.digest.rawValue.hexadecimal)-\(file.byteCount)\(suffix)"
    }

    private var folders: [String] { ["files", "partial"].map { "\(path)/\($0)" } }

    func create() throws {
        for folder in [path] + folders {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw SelMixError(
                    .failed, "cannot make the cache directory \(folder)",
                    hint: "name another with --cache", cause: error.localizedDescription)
            }
            // What is fetched is named by its content, so whoever could put a link in its place would choose what is overwritten.
            try FilePermissions.checkDirectory(folder, of: .cache)
        }
    }

    /// Opens a file of the cache, never what a link leads to, and nothing of another user's.
    private static func open(_ path: String, _ flags: Int32) -> Int32 {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { return descriptor }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0, status.st_nlink <= 1
        else {
            close(descriptor)
            errno = EPERM
            return -1
        }
        return descriptor
    }

    // MARK: Finding

    enum Found {
        case absent
        /// Being put in its place, or removed, by another process.
        case busy
        /// Held for reading.
        case whole(Entry)
    }

    func find(_ file: StagedFile, suffix: String) -> Found {
        let path = "\(folders[0])/\(Self.name(file, suffix: suffix))"
        let descriptor = Self.open(path, O_RDONLY)
        guard descriptor >= 0 else { return .absent }
        let entry = Entry(path: path, descriptor: descriptor)
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0, Self.isLinked(entry) else { return .busy }
        futimens(descriptor, nil)
        return .whole(entry)
    }

    /// The partial file, held for writing and as long as the whole one; nil if another process holds it.
    ///
    /// - Throws: `failed` when there is no room for it.
    func partial(_ file: StagedFile, suffix: String) throws -> Entry? {
        let path = "\(folders[1])/\(Self.name(file, suffix: suffix))"
        let descriptor = Self.open(path, O_RDWR | O_CREAT)
        guard descriptor >= 0 else { throw failure("cannot write `\(path)`", errno) }
        let entry = Entry(path: path, descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
        // Whoever held it before may have put it in its place, or removed it.
        guard Self.isLinked(entry) else { return nil }
        let code = posix_fallocate(descriptor, 0, off_t(file.byteCount))
        guard code == 0 else {
            // What was there before stays for later.
            if Self.size(descriptor) != file.byteCount { unlink(path) }
            throw failure("there is no room for \(file.byteCount.bytesTold) in the cache", code)
        }
        futimens(descriptor, nil)
        return entry
    }

    // MARK: Completing

    /// Puts a fetched file in its place, and holds it for reading from now on.
    func complete(_ entry: Entry, _ file: StagedFile, suffix: String) throws -> Entry {
        let path = "\(folders[0])/\(Self.name(file, suffix: suffix))"
        guard fsync(entry.descriptor) == 0, rename(entry.path, path) == 0 else {
            throw failure("cannot write `\(path)`", errno)
        }
        let directory = Glibc.open(folders[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
        flock(entry.descriptor, LOCK_UN)
        guard case .whole(let whole) = find(file, suffix: suffix) else {
            throw SelMixError(
                .failed, "`\(path)` was removed as soon as it was there",
                hint: "too small a cache for several runs at once; raise --cache-limit")
        }
        return whole
    }

    /// Takes a whole file that is not what it should be back to the partial ones, where its good chunks count.
    func demote(_ entry: Entry, _ file: StagedFile, suffix: String) {
        rename(entry.path, "\(folders[1])/\(Self.name(file, suffix: suffix))")
    }

    // MARK: Room

    /// Removes what was used longest ago until these files fit.
    ///
    /// - Throws: `failed` when they cannot.
    func makeRoom(for wanted: [(file: StagedFile, suffix: String)]) throws {
        let names = Set(wanted.map { Self.name($0.file, suffix: $0.suffix) })
        let needed = wanted.reduce(0) { $0 + $1.file.byteCount }
        var there = entries().filter { !names.contains($0.name) }
        var used = there.reduce(0) { $0 + $1.bytes }
        there.sort { ($0.used, $0.name) < ($1.used, $1.name) }
        for entry in there where used + needed > limit && remove(entry.path) { used -= entry.bytes }
        guard used + needed <= limit else {
            let rest = used > 0 ? ", and running workers use \(used.bytesTold)" : ""
            throw SelMixError(
                .failed, "the cache \(path) may hold \(limit.bytesTold); this run needs \(needed.bytesTold)\(rest)",
                hint: "raise --cache-limit, or name a cache on a larger disk with --cache")
        }
    }

    private struct Entity {
        var path: String
        var name: String
        var bytes: Int
        var used: Double
    }

    private func entries() -> [Entity] {
        folders.flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { name in
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
                return Entity(
                    path: "\(folder)/\(name)", name: name, bytes: status.st_size,
                    used: Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9)
            }
        }
    }

    /// - Returns: false for a file that is in use.
    private func remove(_ path: String) -> Bool {
        let descriptor = Self.open(path, O_RDONLY)
        guard descriptor >= 0 else { return errno == ENOENT }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 && unlink(path) == 0
    }

    private static func isLinked(_ entry: Entry) -> Bool {
        var (open, there) = (stat(), stat())
        return fstat(entry.descriptor, &open) == 0 && lstat(entry.path, &there) == 0 && open.st_ino == there.st_ino
            && open.st_dev == there.st_dev
    }

    private static func size(_ descriptor: Int32) -> Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status.st_size : -1
    }

    func failure(_ message: String, _ code: Int32) -> SelMixError {
        SelMixError(
            .failed, message,
            hint: hint(for: code), cause: String(cString: strerror(code)))
    }

    private func hint(for code: Int32) -> String? {
        switch code {
        case ENOSPC, EDQUOT: "free some space on the disk of \(path), or name another cache with --cache"
        case ELOOP, EPERM:
            "a link, or a file of another user, is in its place; remove it, or name another cache with --cache"
        default: SystemHint.text(for: code)
        }
    }
}

extension Int {
    /// "949 MB", for people.
    var bytesTold: String {
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        var (value, unit) = (Double(self), 0)
        while value >= 999.5, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
        let digits = value < 9.95 && unit > 0 ? (value * 10).rounded() / 10 : value.rounded()
        return digits == digits.rounded() ? "\(Int(digits)) \(units[unit])" : "\(digits) \(units[unit])"
    }
}
