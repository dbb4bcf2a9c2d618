import Common
import Foundation

/// Where a worker finds files, and where it keeps those that it fetches.
public struct WorkerStorage: Sendable {
    var root: DataRoot
    private var cachePath: String?
    private var cacheLimit: Int

    /// - Parameters:
    ///   - root: a directory below which the job's files are looked for, instead of at the coordinator's paths.
    ///   - cache: nil: `selmix` in the user's cache directory.
    ///   - cacheLimit: in bytes.
    public init(root: String? = nil, cache: String? = nil, cacheLimit: Int = 64_000_000_000) {
        self.root = DataRoot(root)
        cachePath = cache
        self.cacheLimit = cacheLimit
    }

    @Sendable func cache() throws -> FileCache {
        let environment = ProcessInfo.processInfo.environment
        let standard = [environment["XDG_CACHE_HOME"], environment["HOME"].map { $0 + "/.cache" }]
            .compactMap { $0 }.first { $0.hasPrefix("/") }
        guard let path = cachePath ?? standard.map({ $0 + "/selmix" }) else {
            throw SelMixError(
                .usage, "there is no place for fetched files, as neither HOME nor XDG_CACHE_HOME is set",
                hint: "name one with --cache DIR")
        }
        return FileCache(path: path, limit: cacheLimit)
    }
}
