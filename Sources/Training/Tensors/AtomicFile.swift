import Common
import Glibc
import Synchronization

/// Replaces a file in one step: readers see the old content or the new one, and after a crash one of the two is there.
///
/// Written aside in the same directory, synced, renamed into place, then the directory is synced; without the last step a
/// power failure could bring the old file back. A file that is mapped elsewhere keeps its old content. When anything
/// fails, what was at `path` is untouched and nothing is left behind; only a killed process leaves a ".partial" file.
/// A symbolic link at `path` is replaced, not followed.
public enum AtomicFile {
    /// Where the content goes.
    public struct Sink: ~Copyable {
        fileprivate let descriptor: Int32

        /// Appends `bytes`.
        public func write(_ bytes: UnsafeRawBufferPointer) throws {
            var rest = bytes
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress!, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw SystemFailure(code: errno) }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }

    private struct SystemFailure: Error { var code: Int32 }

    private static let serial = Atomic<Int>(0)

    /// - Parameter content: writes the whole content into the sink. What it throws is passed on.
    /// - Throws: `failed` when the disk refuses.
    public static func write(to path: String, content: (borrowing Sink) throws -> Void) throws {
        do {
            let aside = try create(asideOf: path)
            do {
                try fill(aside.descriptor, content)
                guard rename(aside.path, path) == 0 else { throw SystemFailure(code: errno) }
            } catch {
                unlink(aside.path)
                throw error
            }
            try syncDirectory(of: path)
        } catch let failure as SystemFailure {
            throw SelMixError(
                .failed, "cannot write `\(path)`", hint: hint(for: failure.code),
                cause: String(cString: strerror(failure.code)))
        }
    }

    /// A new file in the directory of `path`. Its name does not depend on the target's, which may be as long as a name
    /// can be.
    private static func create(asideOf path: String) throws -> (path: String, descriptor: Int32) {
        while true {
            let number = serial.wrappingAdd(1, ordering: .relaxed).newValue
            let aside = directory(of: path) + "/.selmix-\(getpid())-\(number).partial"
            let descriptor = openPatiently(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return (aside, descriptor) }
            // Left behind by a killed process that had the same number, or in use by one on another machine.
            guard errno == EEXIST else { throw SystemFailure(code: errno) }
        }
    }

    private static func fill(_ descriptor: Int32, _ content: (borrowing Sink) throws -> Void) throws {
        do {
            try content(Sink(descriptor: descriptor))
            guard fsync(descriptor) == 0 else { throw SystemFailure(code: errno) }
        } catch {
            close(descriptor)
            throw error
        }
        // Some network file systems report a full disk only now.
        guard close(descriptor) == 0 else { throw SystemFailure(code: errno) }
    }

    private static func syncDirectory(of path: String) throws {
        let descriptor = openPatiently(directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemFailure(code: errno) }
        defer { close(descriptor) }
        // EINVAL: a file system that cannot sync directories.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw SystemFailure(code: errno) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func hint(for code: Int32) -> String? {
        switch code {
        case ENOENT: "its directory does not exist"
        case EISDIR, ENOTEMPTY, EEXIST: "a directory of that name is in the way"
        default: SystemHint.text(for: code)
        }
    }
}
