import CKernels
import Common
import Glibc

/// Whoever keeps immutable bytes alive: a mapped file, or memory. Tensors point into their owner and hold on to it.
protocol ByteOwner: AnyObject, Sendable {
    var bytes: UnsafeRawBufferPointer { get }
}

/// A whole file, mapped read-only.
///
/// Mapped and not read, because features are larger than what a worker touches and several workers on a machine share the
/// page cache. The price: a file that is shortened while it is mapped, or whose disk fails, has nothing to give at the next
/// access. It reads as zeros then, and ``MappedFiles/checkIntact()`` says so. Data files must not be rewritten in place during
/// a run (`AtomicFile` replaces them, which is safe: the mapping keeps the old file).
final class FileMapping: ByteOwner, @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let number: Int32

    /// - Throws: `invalidInput` for a file that is missing, unreadable, empty, or no regular file.
    init(path: String) throws {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer.
        let descriptor = openPatiently(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.cannotRead(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.cannotRead(path, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw Self.cannotRead(path, EISDIR)
        default:
            throw SelMixError(
                .invalidInput, "cannot read `\(path)`: it is not a regular file",
                hint: "tensors are mapped into memory, which pipes and devices do not allow: write them to a file")
        }
        guard status.st_size > 0 else { throw SelMixError(.invalidInput, "`\(path)` is empty") }
        let start = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw Self.cannotRead(path, errno) }
        bytes = UnsafeRawBufferPointer(start: start, count: status.st_size)
        number = smx_mapping_watch(start, bytes.count)
        MappedFiles.add(number, path)
    }

    deinit {
        MappedFiles.remove(number)
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
    }

    private static func cannotRead(_ path: String, _ code: Int32) -> SelMixError {
        let hint: String? =
            switch code {
            case ENOENT where !path.hasPrefix("/"): currentDirectory().map { "looked for from the directory `\($0)`" }
            case EACCES: "the user who runs this process must be allowed to read it"
            case EISDIR: "name a file in it"
            default: SystemHint.text(for: code)
            }
        return SelMixError(.invalidInput, "cannot read `\(path)`", hint: hint, cause: String(cString: strerror(code)))
    }

    private static func currentDirectory() -> String? {
        guard let directory = getcwd(nil, 0) else { return nil }
        defer { free(directory) }
        return String(cString: directory)
    }
}
