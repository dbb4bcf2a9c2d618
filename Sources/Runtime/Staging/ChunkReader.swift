import CKernels
import Common
import Coordination
import Foundation
import Training

/// Reads a file chunk by chunk. One open file; it must not change while it is read.
final class ChunkReader {
    let path: String
    let byteCount: Int
    private let descriptor: Int32
    private let modified: timespec

    /// - Throws: `invalidInput` when the file cannot be read, or is empty.
    init(path: String) throws {
        self.path = path
        descriptor = openPatiently(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw SelMixError(.invalidInput, "cannot read `\(path)`", cause: String(cString: strerror(errno)))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            close(descriptor)
            throw SelMixError(.invalidInput, "`\(path)` is no regular file, or empty")
        }
        byteCount = status.st_size
        modified = status.st_mtim
    }

    deinit { close(descriptor) }

    /// Whether the file is as it was when it was opened, as far as its size and time tell.
    var isUnchanged: Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_size == byteCount
            && status.st_mtim.tv_sec == modified.tv_sec && status.st_mtim.tv_nsec == modified.tv_nsec
    }

    /// A part of the file.
    func bytes(_ range: Range<Int>) throws -> AlignedBuffer {
        let buffer = AlignedBuffer(byteCount: range.count)
        var done = 0
        while done < range.count {
            let count = pread(descriptor, buffer.pointer + done, range.count - done, off_t(range.lowerBound + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw SelMixError(
                    .failed, "cannot read `\(path)`",
                    cause: count == 0 ? "it has become shorter" : String(cString: strerror(errno)))
            }
            done += count
        }
        return buffer
    }

    /// What the file is, by its bytes.
    func digested() throws -> StagedFile {
        let count = StagedFile.chunkCount(byteCount: byteCount)
        var digests: [Digest] = []
        digests.reserveCapacity(count)
        for chunk in 0..<count {
            let start = chunk * StagedFile.chunkBytes
            let buffer = try bytes(start..<min(start + StagedFile.chunkBytes, byteCount))
            digests.append(withExtendedLifetime(buffer) { buffer.bytes.chunkDigest })
        }
        return StagedFile(
            byteCount: byteCount, digest: StagedFile.digest(of: digests, byteCount: byteCount), chunkDigests: digests)!
    }
}

extension StagedFile {
    /// What a file is called by: XXH3 over its chunks' digests, seeded with its size.
    static func digest(of chunkDigests: [Digest], byteCount: Int) -> Digest {
        let words = chunkDigests.map(\.rawValue.littleEndian)
        return Digest(rawValue: words.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, UInt64(byteCount)) })
    }
}

extension UnsafeRawBufferPointer {
    /// XXH3 of a chunk.
    var chunkDigest: Digest { Digest(rawValue: baseAddress.map { smx_hash($0, count, 0) } ?? 0) }
}
