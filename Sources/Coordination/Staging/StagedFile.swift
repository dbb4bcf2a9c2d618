/// A file of the job as a worker may fetch it: its size and the digests of its chunks. Which file it is, is said by its place
/// in the list of the files that the job names.
public struct StagedFile: Hashable, Sendable {
    /// Of every chunk but the last; one is asked for and sent at a time.
    public static let chunkBytes = 1 << 20

    public let byteCount: Int
    /// Of the chunks' digests: what the file is called in a cache.
    public let digest: Digest
    public let chunkDigests: [Digest]

    /// - Returns: nil unless there is a digest for each chunk.
    public init?(byteCount: Int, digest: Digest, chunkDigests: [Digest]) {
        guard byteCount > 0, chunkDigests.count == Self.chunkCount(byteCount: byteCount) else { return nil }
        (self.byteCount, self.digest, self.chunkDigests) = (byteCount, digest, chunkDigests)
    }

    public static func chunkCount(byteCount: Int) -> Int { (byteCount - 1) / chunkBytes + 1 }

    /// The bytes of a chunk.
    public func range(of chunk: Int) -> Range<Int> {
        chunk * Self.chunkBytes..<min((chunk + 1) * Self.chunkBytes, byteCount)
    }
}

/// A chunk of one of the job's files, by numbers alone: nothing else can be asked for.
public struct ChunkID: Hashable, Sendable, CustomStringConvertible {
    public let file: Int
    public let chunk: Int
    public var description: String { "chunk \(chunk) of file \(file)" }

    public init(file: Int, chunk: Int) {
        self.file = file
        self.chunk = chunk
    }
}

/// How far a worker is with fetching.
public struct StagingProgress: Hashable, Sendable {
    public var doneBytes: UInt64
    public var totalBytes: UInt64

    public init(doneBytes: UInt64, totalBytes: UInt64) {
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}
