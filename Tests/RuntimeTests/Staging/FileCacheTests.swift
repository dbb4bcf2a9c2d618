import Common
import Coordination
import Foundation
import Logging
import Messaging
import Testing
import Training

@testable import Runtime

/// A worker's disk: what is found, kept, resumed and removed.
@Suite struct FileCacheTests {
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-test-\(UUID().uuidString)")
            .path
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// A file of random bytes.
        func file(_ name: String, bytes count: Int, seed: UInt64 = 1) throws -> String {
            let philox = Philox(seed: seed)
            let words = (0..<(count + 7) / 8).map { philox.block(.probe, index: 0, slot: $0).low }
            let data = words.withUnsafeBytes { Data($0.prefix(count)) }
            let place = "\(path)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try data.write(to: URL(fileURLWithPath: place))
            return place
        }
    }

    private let folder: Folder
    private let chunk = StagedFile.chunkBytes

    init() throws { folder = try Folder() }

    private func cache(limit: Int = 1 << 40) -> FileCache { FileCache(path: folder.path + "/cache", limit: limit) }

    private func disk(
        _ paths: [String], root: String? = nil, usesOwn: Bool = true, limit: Int = 1 << 40
    ) throws -> StagingDisk {
        let cache = cache(limit: limit)
        return StagingDisk(
            paths: paths, roots: DataRoot(root), usesOwnFiles: usesOwn, cache: { cache }, log: Logger(label: "test"))
    }

    /// Sends chunks from the coordinator's file to a disk, and completes it.
    private func fetch(_ index: Int, _ chunks: [Int], from source: String, to disk: StagingDisk) throws -> Bool {
        let reader = try ChunkReader(path: source)
        let file = try reader.digested()
        for chunk in chunks {
            guard try write(chunk, of: index, reader.bytes(file.range(of: chunk)), to: disk) else { return false }
        }
        return try disk.seal(index)
    }

    private func write(_ chunk: Int, of file: Int, _ buffer: AlignedBuffer, to disk: StagingDisk) throws -> Bool {
        try withExtendedLifetime(buffer) { try disk.write(ChunkID(file: file, chunk: chunk), buffer.bytes) }
    }

    @Test func aFetchedFileIsFoundAgain() throws {
        let source = try folder.file("coordinator/data.safetensors", bytes: 3 * chunk + 5)
        let file = try ChunkReader(path: source).digested()
        let first = try disk([source], usesOwn: false)
        first.list([file])
        #expect(try first.inspect([0]) == [0: .partial(missing: [0, 1, 2, 3])])
        #expect(try fetch(0, [0, 1, 2, 3], from: source, to: first))
        let place = try #require(first.localPaths[source])
        #expect(place.hasSuffix(".safetensors") && place.hasPrefix(folder.path + "/cache/files/"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: place)) == Data(contentsOf: URL(fileURLWithPath: source)))
        let second = try disk(["/elsewhere/data.safetensors"], usesOwn: true)
        second.list([file])
        #expect(try second.inspect([0]) == [0: .whole])
        #expect(second.localPaths["/elsewhere/data.safetensors"] == place)
    }

    @Test func whatAKilledWorkerLeftCounts() throws {
        let source = try folder.file("data.npy", bytes: 4 * chunk)
        let file = try ChunkReader(path: source).digested()
        do {
            let killed = try disk([source], usesOwn: false)
            killed.list([file])
            _ = try killed.inspect([0])
            let reader = try ChunkReader(path: source)
            for chunk in [0, 2] {
                #expect(try write(chunk, of: 0, reader.bytes(file.range(of: chunk)), to: killed))
            }
        }
        let next = try disk([source], usesOwn: false)
        next.list([file])
        #expect(try next.inspect([0]) == [0: .partial(missing: [1, 3])])
        #expect(try fetch(0, [1, 3], from: source, to: next))
    }

    @Test func aChunkWithAnotherDigestIsNotWritten() throws {
        let source = try folder.file("data.npy", bytes: 2 * chunk)
        let other = try folder.file("other.npy", bytes: 2 * chunk, seed: 2)
        let file = try ChunkReader(path: source).digested()
        let disk = try disk([source], usesOwn: false)
        disk.list([file])
        _ = try disk.inspect([0])
        #expect(try !write(0, of: 0, ChunkReader(path: other).bytes(0..<chunk), to: disk))
        #expect(try !write(0, of: 0, ChunkReader(path: source).bytes(0..<10), to: disk))
        #expect(try !disk.seal(0), "it is not complete")
    }

    @Test func oneProcessFetchesAndTheOtherWaits() throws {
        let source = try folder.file("data.npy", bytes: chunk)
        let file = try ChunkReader(path: source).digested()
        let (first, second) = (try disk([source], usesOwn: false), try disk([source], usesOwn: false))
        first.list([file])
        second.list([file])
        #expect(try first.inspect([0]) == [0: .partial(missing: [0])])
        #expect(try second.inspect([0]) == [0: .busy])
        #expect(try fetch(0, [0], from: source, to: first))
        #expect(try second.inspect([0]) == [0: .whole])
    }

    @Test func aDamagedFileOfTheCacheIsMended() throws {
        let source = try folder.file("data.npy", bytes: 3 * chunk)
        let file = try ChunkReader(path: source).digested()
        do {
            let disk = try disk([source], usesOwn: false)
            disk.list([file])
            _ = try disk.inspect([0])
            #expect(try fetch(0, [0, 1, 2], from: source, to: disk))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: disk.localPaths[source]!))
            try handle.seek(toOffset: UInt64(chunk + 7))
            try handle.write(contentsOf: Data([1, 2, 3, 4, 5, 6, 7, 8, 9]))
        }
        let next = try disk([source], usesOwn: false)
        next.list([file])
        #expect(try next.inspect([0]) == [0: .partial(missing: [1])])
        #expect(try fetch(0, [1], from: source, to: next))
    }

    @Test func ownFilesAreUsedWhereTheyAreTheSame() throws {
        let source = try folder.file("coordinator/lt/data.npy", bytes: chunk + 1)
        let labels = try folder.file("coordinator/lt/labels.npy", bytes: 100)
        let files = try [source, labels].map { try ChunkReader(path: $0).digested() }
        _ = try folder.file("here/lt/data.npy", bytes: chunk + 1)
        _ = try folder.file("here/labels.npy", bytes: 100, seed: 9)
        let disk = try disk([source, labels], root: folder.path + "/here")
        disk.list(files)
        #expect(try disk.inspect([0, 1]) == [0: .whole, 1: .partial(missing: [0])], "the labels are others")
        #expect(disk.localPaths == [source: folder.path + "/here/lt/data.npy"])
    }

    @Test func whatWasUsedLongestAgoGoesFirst() throws {
        var sources: [String] = []
        var files: [StagedFile] = []
        for index in 0..<3 {
            sources.append(try folder.file("\(index).npy", bytes: 2 * chunk, seed: UInt64(index)))
            files.append(try ChunkReader(path: sources[index]).digested())
        }
        func stage(_ indices: [Int], limit: Int) throws -> StagingDisk {
            let disk = try disk(indices.map { sources[$0] }, usesOwn: false, limit: limit)
            disk.list(indices.map { files[$0] })
            for (place, local) in try disk.inspect(Array(indices.indices)) {
                guard case .partial(let missing) = local else { continue }
                #expect(try fetch(place, missing, from: sources[indices[place]], to: disk))
            }
            return disk
        }
        func there() throws -> Set<Int> {
            Set(
                try files.indices.filter { index in
                    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache/files")
                    return names.contains { $0.hasPrefix(files[index].digest.rawValue.hexadecimal) }
                })
        }
        _ = try stage([0], limit: 4 * chunk)
        _ = try stage([1], limit: 4 * chunk)
        _ = try stage([0], limit: 4 * chunk)
        #expect(try there() == [0, 1])
        let last = try stage([2], limit: 4 * chunk)
        #expect(try there() == [0, 2], "file 1 was used longest ago")
        // What a running worker holds stays, whatever its age.
        let both = try stage([1], limit: 4 * chunk)
        #expect(try there() == [1, 2])
        let refused = #expect(throws: SelMixError.self) { try stage([0], limit: 4 * chunk) }
        #expect(refused?.message.contains("running workers use 4.2 MB") == true, "\(String(describing: refused))")
        #expect(refused?.hint?.contains("--cache-limit") == true)
        withExtendedLifetime((last, both)) {}
    }

    @Test func aCacheThatIsTooSmallIsAnError() throws {
        let file = try #require(
            StagedFile(
                byteCount: chunk << 10, digest: Digest(rawValue: 1),
                chunkDigests: Array(repeating: Digest(rawValue: 0), count: 1 << 10)))
        let disk = try disk(["/x.npy"], usesOwn: false, limit: 1000)
        disk.list([file])
        let refused = #expect(throws: SelMixError.self) { try disk.inspect([0]) }
        #expect(refused?.message.contains("may hold 1 kB; this run needs 1.1 GB") == true)
    }

    @Test func aListIsCheckedAsAWhole() throws {
        let files = try [("a", 10), ("b", 2 * chunk + 1)].map {
            try ChunkReader(path: folder.file($0.0, bytes: $0.1)).digested()
        }
        let frames = FileList(files).frames
        #expect(FileList(frames, count: 2)?.files == files)
        #expect(FileList(frames, count: 3) == nil)
        #expect(FileList(Array(frames.dropLast()), count: 2) == nil)
        let philox = Philox(seed: 3)
        for slot in 0..<2000 {
            // One bit somewhere is another.
            let dice = philox.block(.probe, index: 0, slot: slot)
            var changed = frames
            let index = Int(dice.low % 3)
            var values = changed[index].values(as: Int64.self, zero: 0)
            values[Int(dice.low >> 8) % values.count] ^= 1 << Int64(dice.high % 64)
            changed[index] = TensorFrame(name: changed[index].name, shape: [values.count], int64: values)
            #expect(FileList(changed, count: 2) == nil)
        }
    }

    @Test func nothingButTheJobsFilesIsServed() async throws {
        let data = try folder.file("data.npy", bytes: chunk + 3)
        let job = Job(
            name: "n",
            data: DataFiles(
                train: SplitFiles(features: data, labels: data), validation: SplitFiles(features: data, labels: data)),
            head: HeadFiles(weight: data, bias: data), objective: .init(name: "min-recall"), output: "/tmp/x")
        #expect(job.workerFiles == [data])
        let server = FileServer(job)
        func ask(_ file: Int, _ chunk: Int) async -> CoordinatorMessage? {
            await withCheckedContinuation { continuation in
                server.read(ChunkID(file: file, chunk: chunk)) { continuation.resume(returning: $0?.0) }
            }
        }
        #expect(await ask(0, 1) == .chunk(ChunkID(file: 0, chunk: 1)))
        #expect(await ask(0, 2) == nil)
        #expect(await ask(1, 0) == nil)
        #expect(await ask(4_294_967_295, 4_294_967_295) == nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: data))
        try handle.write(contentsOf: Data([1]))
        try handle.close()
        guard case .noFiles(let reason)? = await ask(0, 0) else {
            Issue.record("a file that was changed is served")
            return
        }
        #expect(reason.contains("has been changed"))
    }

    @Test func placesAreLookedUpFromTheLongestPathDown() {
        #expect(DataRoot(nil).candidates(for: "/a/b.npy") == ["/a/b.npy"])
        #expect(DataRoot("/r").candidates(for: "/a/../c/b.npy") == ["/r/a/c/b.npy", "/r/c/b.npy", "/r/b.npy"])
    }

    @Test(arguments: [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1_500_000, "1.5 MB"), (949_010_432, "949 MB"),
        (64_000_000_000, "64 GB"), (999_600, "1 MB"),
    ])
    func bytesAreTold(count: Int, text: String) { #expect(count.bytesTold == text) }

    // MARK: Caches of others

    private static let staged = StagedFile(
        byteCount: 1000, digest: Digest(rawValue: 5), chunkDigests: [Digest(rawValue: 5)])!
    private static let name = "0000000000000005-1000.safetensors"

    /// In place of a file that is to be fetched: nothing that it leads to is touched, and nothing is read through it.
    @Test(arguments: ["files", "partial"]) func aLinkIsNotFollowed(place: String) throws {
        let cache = cache()
        try cache.create()
        let victim = try folder.file("victim", bytes: 10)
        let before = try Data(contentsOf: URL(fileURLWithPath: victim))
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/cache/\(place)/\(Self.name)", withDestinationPath: victim)
        if place == "files" {
            guard case .absent = cache.find(Self.staged, suffix: ".safetensors") else {
                Issue.record("what a link leads to is taken for a fetched file")
                return
            }
        } else {
            let error = #expect(throws: SelMixError.self) { try cache.partial(Self.staged, suffix: ".safetensors") }
            #expect(error?.hint?.contains("a link") == true, "\(error.debugDescription)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: victim)) == before)
    }

    @Test func aSecondNameOfAFileIsNotWrittenTo() throws {
        let cache = cache()
        try cache.create()
        let victim = try folder.file("victim", bytes: 10)
        #expect(link(victim, "\(folder.path)/cache/partial/\(Self.name)") == 0)
        #expect(throws: SelMixError.self) { try cache.partial(Self.staged, suffix: ".safetensors") }
        #expect(try Data(contentsOf: URL(fileURLWithPath: victim)).count == 10)
    }

    @Test(arguments: ["", "/files", "/partial"]) func aDirectoryThatOthersCanWriteIsRefused(part: String) throws {
        let cache = cache()
        try cache.create()
        chmod(folder.path + "/cache" + part, 0o777)
        let error = #expect(throws: SelMixError.self) { try cache.create() }
        #expect(error?.hint?.hasPrefix("chmod go-w \(folder.path)/cache\(part)") == true, "\(error.debugDescription)")
        chmod(folder.path + "/cache" + part, 0o755)
        try cache.create()
    }
}
