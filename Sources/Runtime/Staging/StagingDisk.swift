import Common
import Coordination
import Foundation
import Logging
import Messaging

/// What staging does on a worker's disk. Used on one queue.
final class StagingDisk {
    /// Where a file of the job lies here.
    private enum Place {
        case own(String)
        case partial(FileCache.Entry)
        case cached(FileCache.Entry)
    }

    private let paths: [String]
    private let roots: DataRoot
    private let usesOwnFiles: Bool
    private let cache: @Sendable () throws -> FileCache
    private let log: Logger
    private var files: [StagedFile] = []
    private var places: [Place?]

    /// - Parameters:
    ///   - paths: the job's files, as the coordinator names them.
    ///   - roots: where they may lie here.
    ///   - usesOwnFiles: whether a file that is here already is read where it lies.
    ///   - cache: asked for only when something has to be fetched.
    init(
        paths: [String], roots: DataRoot, usesOwnFiles: Bool, cache: @escaping @Sendable () throws -> FileCache,
        log: Logger
    ) {
        self.paths = paths
        self.roots = roots
        self.usesOwnFiles = usesOwnFiles
        self.cache = cache
        self.log = log
        places = Array(repeating: nil, count: paths.count)
    }

    func list(_ files: [StagedFile]) { self.files = files }

    /// Where each file of the job lies here, once all are there.
    var localPaths: [String: String] {
        Dictionary(
            uniqueKeysWithValues: zip(paths, places).compactMap { path, place in
                switch place {
                case .own(let local): (path, local)
                case .cached(let entry): (path, entry.path)
                case .partial, nil: nil
                }
            })
    }

    /// What is here of these files; makes room for the rest.
    func inspect(_ indices: [Int]) throws -> [Int: LocalFile] {
        var found: [Int: LocalFile] = [:]
        for index in indices where usesOwnFiles && isOwn(index) { found[index] = .whole }
        let missing = indices.filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        let cache = try cache()
        try cache.create()
        for index in missing {
            switch cache.find(files[index], suffix: suffix(index)) {
            case .absent: break
            case .busy: found[index] = .busy
            case .whole(let entry):
                if try isRight(entry.path, files[index]) {
                    places[index] = .cached(entry)
                    found[index] = .whole
                } else {
                    log.warning("`\(entry.path)` is damaged; what is wrong with it is fetched again")
                    cache.demote(entry, files[index], suffix: suffix(index))
                }
            }
        }
        let absent = missing.filter { found[$0] == nil }
        try cache.makeRoom(for: absent.map { (files[$0], suffix($0)) })
        for index in absent {
            guard let entry = try cache.partial(files[index], suffix: suffix(index)) else {
                found[index] = .busy
                continue
            }
            places[index] = .partial(entry)
            found[index] = .partial(missing: try missingChunks(of: entry.path, files[index]))
        }
        return found
    }

    /// Writes a chunk that has its digest.
    ///
    /// - Returns: false for one that has not.
    func write(_ id: ChunkID, _ bytes: UnsafeRawBufferPointer) throws -> Bool {
        guard case .partial(let entry) = places[id.file] else { preconditionFailure("nowhere to write \(id)") }
        let file = files[id.file]
        let range = file.range(of: id.chunk)
        guard bytes.count == range.count, bytes.chunkDigest == file.chunkDigests[id.chunk] else { return false }
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                entry.descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(range.lowerBound + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw try cache().failure("cannot write `\(entry.path)`", errno) }
            done += count
        }
        return true
    }

    /// Reads a file that is complete once more, and puts it in its place.
    ///
    /// - Returns: false if it is not what it should be.
    func seal(_ index: Int) throws -> Bool {
        guard case .partial(let entry) = places[index] else { preconditionFailure("file \(index) is not partial") }
        guard try isRight(entry.path, files[index]) else { return false }
        places[index] = .cached(try cache().complete(entry, files[index], suffix: suffix(index)))
        return true
    }

    private func isOwn(_ index: Int) -> Bool {
        guard let path = roots.find(paths[index]) else { return false }
        do {
            guard try isRight(path, files[index]) else {
                log.warning("`\(path)` is not the file that the coordinator has; that one is fetched instead")
                return false
            }
            places[index] = .own(path)
            return true
        } catch {
            log.warning("\(error); the coordinator's is fetched instead")
            return false
        }
    }

    private func isRight(_ path: String, _ file: StagedFile) throws -> Bool {
        let reader = try ChunkReader(path: path)
        return try reader.byteCount == file.byteCount && reader.digested() == file
    }

    private func missingChunks(of path: String, _ file: StagedFile) throws -> [Int] {
        let there = try ChunkReader(path: path).digested().chunkDigests
        return file.chunkDigests.indices.filter { !there.indices.contains($0) || there[$0] != file.chunkDigests[$0] }
    }

    /// A tensor file's format is told by its name.
    private func suffix(_ index: Int) -> String { paths[index].hasSuffix(".npy") ? ".npy" : ".safetensors" }
}
