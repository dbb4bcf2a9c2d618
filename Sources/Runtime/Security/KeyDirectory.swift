import Common
import Coordination
import Foundation
import Messaging

/// The keys of a cluster:
///
///     coordinator.public   goes to every worker, which talks to nobody else
///     coordinator.secret   stays with the coordinator
///     workers/NAME.public  stays with the coordinator: these files are the list of who may join
///     workers/NAME.secret  goes to worker NAME, and to nobody else
///
/// Every process needs its own part only.
public struct KeyDirectory: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    // MARK: Reading

    /// What the coordinator needs.
    public func coordinatorPair() throws -> CurveKeyPair {
        try FilePermissions.checkDirectory(path)
        return try CurveKeyPair(secretKey: file("coordinator", .secretKey).read())
    }

    /// What worker `name` needs; without a name, the only worker whose secret is here.
    public func worker(_ name: String?) throws -> (name: String, security: SocketSecurity) {
        try FilePermissions.checkDirectory(path)
        let server = try file("coordinator", .publicKey).read()
        let worker = try name ?? onlyWorker()
        guard let key = KeyName(ofWorker: worker) else { throw Self.invalid(worker) }
        let pair = try CurveKeyPair(secretKey: file("workers/\(key)", .secretKey).read())
        return (worker, .client(pair, server: server))
    }

    private func onlyWorker() throws -> String {
        let found = try names(endingIn: Self.ending(.secretKey))
        if found.count == 1 { return found[0].text }
        throw SelMixError(
            .usage,
            found.isEmpty
                ? "no secret key of a worker is in \(workers)" : "the keys of \(found.count) workers are in \(workers)",
            hint: found.isEmpty
                ? "copy workers/NAME.secret of this worker there" : "say with --name which of them this one is")
    }

    /// The listed keys, by what they are.
    func listedKeys() throws -> [CurveKey: KeyName] {
        try FilePermissions.checkDirectory(workers)
        var keys: [CurveKey: KeyName] = [:]
        for name in try names(endingIn: Self.ending(.publicKey)) {
            let key = try file("workers/\(name)", .publicKey).read()
            if let other = keys[key] {
                throw SelMixError(
                    .usage, "workers \(other) and \(name) have the same key in \(workers)",
                    hint: "a key says who its owner is, so make one for each with `selmix keygen`")
            }
            keys[key] = name
        }
        return keys
    }

    private func names(endingIn ending: String) throws -> [KeyName] {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: workers)
        } catch {
            throw SelMixError(.usage, "cannot read \(workers)", cause: "\(error.localizedDescription)")
        }
        return files.filter { $0.hasSuffix(ending) }.compactMap { KeyName($0.dropLast(ending.count)) }
            .sorted { $0.text < $1.text }
    }

    // MARK: Making

    /// Makes a pair for each worker, and for the coordinator if it has none. Nothing is overwritten.
    ///
    /// - Returns: the files that were made.
    public func create(workers names: [String]) throws -> [String] {
        let keys = try names.map { name in
            guard let key = KeyName(name) else { throw Self.invalid(name) }
            return key
        }
        let coordinator = file("coordinator", .secretKey)
        let isNew = !FileManager.default.fileExists(atPath: coordinator.path)
        // Looked at before anything is made; `create` itself refuses too.
        let bases = (isNew ? ["coordinator"] : []) + keys.map { "workers/\($0)" }
        for base in bases {
            for kind in [KeyFile.Kind.secretKey, .publicKey] {
                let path = file(base, kind).path
                guard !FileManager.default.fileExists(atPath: path) else {
                    throw SelMixError(
                        .usage, "\(path) is there already",
                        hint: "keys are never overwritten; delete the old ones first")
                }
            }
        }
        guard !bases.isEmpty, Set(bases).count == bases.count else {
            throw SelMixError(
                .usage, bases.isEmpty ? "\(path) has a coordinator's keys already" : "a worker is named twice",
                hint: "name the workers that need keys: selmix keygen \(path) NAME...")
        }
        for directory in [path, workers] {
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
                throw SelMixError(
                    .failed, "cannot make the directory \(directory)", cause: String(cString: strerror(errno)))
            }
            try FilePermissions.checkDirectory(directory)
        }
        var made: [String] = []
        for base in bases {
            let pair = try CurveKeyPair.random()
            // The public one last: from then on a worker is listed.
            try file(base, .secretKey).create(pair.secretKey)
            try file(base, .publicKey).create(pair.publicKey)
            made += [file(base, .secretKey).path, file(base, .publicKey).path]
        }
        return made
    }

    // MARK: Layout

    var workers: String { path + "/workers" }

    private static func ending(_ kind: KeyFile.Kind) -> String { kind == .secretKey ? ".secret" : ".public" }

    private func file(_ base: String, _ kind: KeyFile.Kind) -> KeyFile {
        KeyFile(path: "\(path)/\(base)\(Self.ending(kind))", kind: kind)
    }

    private static func invalid(_ name: String) -> SelMixError {
        SelMixError(
            .usage, "`\(name)` is no name of a worker with a key",
            hint:
                "use letters, digits, `.`, `_` and `-`, at most 64; workers that share key NAME are NAME/0, NAME/1 ...")
    }
}
