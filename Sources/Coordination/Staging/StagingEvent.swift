import Common

/// What happens to a worker that needs files.
public enum StagingEvent: Sendable, Equatable {
    case started
    /// The coordinator told what the job's files are.
    case listed([StagedFile])
    /// What the disk holds of the files that were looked at.
    case inspected([Int: LocalFile])
    /// A chunk arrived; its bytes are with the shell.
    case received(ChunkID)
    /// It is written, if it had its digest.
    case written(ChunkID, isGood: Bool)
    /// All of a file is there and has its digest, or not.
    case sealed(Int, isGood: Bool)
    /// The coordinator cannot give what was asked for, or the disk fails.
    case failed(SelMixError)
    case tick
}

/// What a worker's disk holds of a file.
public enum LocalFile: Sendable, Equatable {
    /// All of it, with the right digests.
    case whole
    /// A part, which is ours to complete; with the numbers of the chunks that are missing.
    case partial(missing: [Int])
    /// Another process of this machine is fetching it.
    case busy
}

/// What staging asks its shell to do, in this order.
public enum StagingDirective: Sendable, Equatable {
    /// Ask the coordinator for the list of files.
    case askForList
    /// Find out what the disk holds of these files, make room for the rest, and answer with ``StagingEvent/inspected(_:)``.
    case inspect([Int])
    case request(ChunkID)
    /// Check and write the chunk that has arrived, and answer with ``StagingEvent/written(_:isGood:)``.
    case write(ChunkID)
    /// Check the whole file and put it in its place; answer with ``StagingEvent/sealed(_:isGood:)``.
    case seal(Int)
    /// All files are there.
    case finish
    case fail(SelMixError)
}
