import Common
import Coordination
import Dispatch
import Messaging

/// Gives the job's files to workers that do not have them, on a queue of its own.
///
/// The files are opened and digested when the first worker asks. What can be asked for is a number of a file that the job
/// names and a number of a chunk; there is no path in a request.
final class FileServer: @unchecked Sendable {
    private let paths: [String]
    private let queue = DispatchQueue(label: "selmix.files", qos: .utility)
    /// Of the queue alone.
    private var opened: Result<[(reader: ChunkReader, file: StagedFile)], SelMixError>?

    init(_ job: Job) { paths = job.workerFiles }

    /// - Parameter answer: takes the message and its tensors; called on the server's queue.
    func list(_ answer: @escaping @Sendable (CoordinatorMessage, [TensorFrame]) -> Void) {
        queue.async { [self] in
            do {
                let files = try files().map(\.file)
                answer(.files(chunkBytes: StagedFile.chunkBytes), FileList(files).frames)
            } catch {
                answer(.noFiles(reason: SelMixError(describing: error).description), [])
            }
        }
    }

    /// - Parameter answer: as above; takes nil for a chunk that is not there.
    func read(_ id: ChunkID, _ answer: @escaping @Sendable ((CoordinatorMessage, [TensorFrame])?) -> Void) {
        queue.async { [self] in
            do {
                let files = try files()
                guard files.indices.contains(id.file),
                    files[id.file].file.chunkDigests.indices.contains(id.chunk)
                else { return answer(nil) }
                let (reader, file) = files[id.file]
                guard reader.isUnchanged else {
                    throw SelMixError(.failed, "`\(reader.path)` has been changed since the run started")
                }
                let bytes = try reader.bytes(file.range(of: id.chunk))
                answer((.chunk(id), [TensorFrame(name: "bytes", buffer: bytes)]))
            } catch {
                answer((.noFiles(reason: SelMixError(describing: error).description), []))
            }
        }
    }

    private func files() throws -> [(reader: ChunkReader, file: StagedFile)] {
        if opened == nil {
            opened = Result {
                try paths.map {
                    let reader = try ChunkReader(path: $0)
                    return (reader, try reader.digested())
                }
            }.mapError { SelMixError(describing: $0) }
        }
        return try opened!.get()
    }
}
