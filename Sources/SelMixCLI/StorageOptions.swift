import ArgumentParser
import Foundation
import Runtime

/// Where a worker finds files, and where it keeps those that it fetches.
struct StorageOptions: ParsableArguments {
    @Option(
        help: "Where the job's files are looked for here, instead of at the coordinator's paths.",
        completion: .directory)
    var dataRoot: String?
    @Option(
        help: "Where fetched files are kept; by default selmix in the user's cache directory.", completion: .directory)
    var cache: String?
    @Option(help: "What the cache may take, in GB; what was not used for longest goes first.")
    var cacheLimit: Double = 64

    func validate() throws {
        if !(1e-6...1e6).contains(cacheLimit) {
            throw ValidationError("--cache-limit is \(cacheLimit); it must be from 0.000001 to 1000000 GB")
        }
        if let dataRoot, !FileManager.default.fileExists(atPath: dataRoot) {
            throw ValidationError("--data-root: there is no directory \(dataRoot)")
        }
    }

    var storage: WorkerStorage {
        WorkerStorage(
            root: dataRoot.map { URL(fileURLWithPath: $0).path }, cache: cache.map { URL(fileURLWithPath: $0).path },
            cacheLimit: Int(cacheLimit * 1e9))
    }
}
