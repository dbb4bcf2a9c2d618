import Coordination
import Messaging

/// The list of the job's files as tensors: `sizes` and `digests` INT64 [files], `chunkDigests` INT64 [chunks of all files].
struct FileList {
    let files: [StagedFile]

    init(_ files: [StagedFile]) { self.files = files }

    var frames: [TensorFrame] {
        [
            TensorFrame(name: "sizes", shape: [files.count], int64: files.map { Int64($0.byteCount) }),
            TensorFrame(
                name: "digests", shape: [files.count], int64: files.map { Int64(bitPattern: $0.digest.rawValue) }),
            TensorFrame(
                name: "chunkDigests", shape: [files.reduce(0) { $0 + $1.chunkDigests.count }],
                int64: files.flatMap { $0.chunkDigests.map { Int64(bitPattern: $0.rawValue) } }),
        ]
    }

    /// - Returns: nil for tensors that are no list of `count` files, each with a digest that its chunks' digests have.
    init?(_ frames: [TensorFrame], count: Int) {
        guard let sizes = Self.values(frames, "sizes"), let digests = Self.values(frames, "digests"),
            let chunks = Self.values(frames, "chunkDigests"), sizes.count == count, digests.count == count
        else { return nil }
        var files: [StagedFile] = []
        var rest = chunks[...]
        for (size, digest) in zip(sizes, digests) {
            guard size > 0, size < 1 << 48 else { return nil }
            let own = rest.prefix(StagedFile.chunkCount(byteCount: Int(size))).map {
                Digest(rawValue: UInt64(bitPattern: $0))
            }
            let digest = Digest(rawValue: UInt64(bitPattern: digest))
            guard let file = StagedFile(byteCount: Int(size), digest: digest, chunkDigests: own),
                StagedFile.digest(of: own, byteCount: Int(size)) == digest
            else { return nil }
            files.append(file)
            rest = rest.dropFirst(own.count)
        }
        guard rest.isEmpty else { return nil }
        self.files = files
    }

    private static func values(_ frames: [TensorFrame], _ name: String) -> [Int64]? {
        guard let frame = frames[named: name], frame.type == .int64, frame.shape.count == 1 else { return nil }
        return frame.values(as: Int64.self, zero: 0)
    }
}
