import Synchronization

/// The tensors that one job refers to. Several references to one file share one mapping, and its header is parsed once.
public final class TensorCatalog: Sendable {
    private let files = Mutex<[String: TensorFile]>([:])

    public init() {}

    /// The tensor that `reference` names, its path taken from the current directory unless absolute. Its file is opened at
    /// the first call.
    ///
    /// - Throws: `invalidInput` when the file cannot be opened, or has no such tensor.
    public func tensor(for reference: TensorReference) throws -> StoredTensor {
        let file = try files.withLock { files in
            if let known = files[reference.path] { return known }
            let file = try TensorFile.open(reference.path)
            files[reference.path] = file
            return file
        }
        return try file.tensor(reference.tensor)
    }
}
