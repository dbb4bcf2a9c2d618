import Common
import Coordination
import Foundation
import SelMix
import Testing
import Training

@testable import Runtime

/// Checkpoints that are torn, altered, or that the disk refuses.
@Suite struct CheckpointTests {
    static let layout = ParameterLayout.linearHead(classes: 3, dimension: 5)
    static let identity = CheckpointStore.Identity(
        runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 4), configuration: Digest(rawValue: 9), stepsPerRound: 10)

    final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/selmix-checkpoint-\(UUID().uuidString)"
        var store: CheckpointStore { CheckpointStore(path: path + "/checkpoints") }
        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        deinit {
            chmod(path + "/checkpoints", 0o755)
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    static func parameters(_ seed: UInt64) -> Parameters {
        let philox = Philox(seed: seed)
        let values = Parameters(layout: layout)
        for entry in layout.entries {
            for index in 0..<entry.count {
                values.values(of: entry)[index] = Float(philox.block(.probe, index: 0, slot: index).low.unitInterval)
            }
        }
        return values
    }

    static func state(round: Int) throws -> CheckpointState {
        let counts = try ConfusionCounts(classes: 3, counts: [5, 1, 0, 2, 7, 0, 0, 0, 9])
        let metrics = Metrics(counts, split: try ClassSplit(classes: 3, head: [0, 1]))
        var best = BestRound()
        _ = best.consider(round: RoundIndex(round - 1), objective: 0.1 + 0.2, hMean: 1.0 / 3)
        return CheckpointState(
            nextRound: RoundIndex(round), heads: [parameters(UInt64(round)), parameters(40)],
            velocities: [parameters(77), parameters(78)],
            multipliers: [0.1, 1e-300, 0.9], convergence: ConvergenceWindow(length: 3, tolerance: 0.05),
            history: [RoundReport(round: round - 1, objective: 0.1 + 0.2, metrics: metrics, loss: 1.0 / 7)],
            bestRound: best,
            best: .init(heads: [parameters(5), parameters(6)], counts: counts, multipliers: [1, 0, 0]),
            initialCounts: counts, meanLoss: 0.7)
    }

    @Test func comesBackBitForBit() throws {
        let folder = try Folder()
        let state = try Self.state(round: 3)
        try folder.store.write(state, identity: Self.identity, log: LogPosition(offset: 123, digest: 7), keep: 3)
        let (found, refused) = folder.store.newest(layout: Self.layout)
        let (manifest, back) = try #require(found)
        #expect(refused.isEmpty)
        #expect(
            manifest.eventOffset == 123 && manifest.eventDigest == UInt64(7).hexadecimal && manifest.nextStep == 30
                && manifest.epoch == 4)
        #expect(back.nextRound == state.nextRound)
        #expect(back.heads.map(\.digest) == state.heads.map(\.digest))
        #expect(back.velocities.map(\.digest) == state.velocities.map(\.digest))
        #expect(back.best.heads.map(\.digest) == state.best.heads.map(\.digest))
        #expect(back.best.counts == state.best.counts && back.best.multipliers == state.best.multipliers)
        #expect(back.multipliers == state.multipliers && back.history == state.history)
        #expect(back.bestRound == state.bestRound && back.convergence == state.convergence)
        #expect(back.initialCounts == state.initialCounts && back.meanLoss == state.meanLoss)
    }

    @Test func onlyTheNewestStay() throws {
        let folder = try Folder()
        for round in 1...12 {
            try folder.store.write(try Self.state(round: round), identity: Self.identity, log: LogPosition(), keep: 3)
        }
        #expect(folder.store.names() == ["round-000010", "round-000011", "round-000012"])
    }

    /// Writes two checkpoints.
    ///
    /// - Returns: the path of a file of the newer one, and its content.
    static func twoCheckpoints(in folder: Folder, newest file: String) throws -> (path: String, content: Data) {
        for round in [1, 2] {
            try folder.store.write(try state(round: round), identity: identity, log: LogPosition(), keep: 3)
        }
        let path = folder.store.path + "/round-000002/" + file
        return (path, try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Both files of the newest checkpoint, with every byte changed in turn: never loaded, and the one before is.
    @Test(arguments: [CheckpointStore.Name.manifest, CheckpointStore.Name.tensors])
    func everyFlippedByteIsRefused(file: String) throws {
        let folder = try Folder()
        let (path, whole) = try Self.twoCheckpoints(in: folder, newest: file)
        for index in whole.indices {
            var damaged = whole
            damaged[index] ^= UInt8(1 << (index % 8))
            try damaged.write(to: URL(fileURLWithPath: path))
            let (found, refused) = folder.store.newest(layout: Self.layout)
            #expect(refused.count == 1, "byte \(index) of \(file)")
            #expect(found?.1.nextRound == RoundIndex(1))
        }
    }

    /// Cut at every length, as a crash that lost the tail would.
    @Test(arguments: [CheckpointStore.Name.manifest, CheckpointStore.Name.tensors])
    func everyTornFileIsRefused(file: String) throws {
        let folder = try Folder()
        let (path, whole) = try Self.twoCheckpoints(in: folder, newest: file)
        for length in whole.indices {
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            let (found, refused) = folder.store.newest(layout: Self.layout)
            #expect(refused.count == 1 && found?.1.nextRound == RoundIndex(1), "\(length) bytes of \(file)")
        }
    }

    /// A process that dies while it writes leaves a directory aside, which nobody takes for a checkpoint.
    @Test func whatAWriterLeftBehindIsIgnored() throws {
        let folder = try Folder()
        try folder.store.write(try Self.state(round: 1), identity: Self.identity, log: LogPosition(), keep: 3)
        let aside = folder.store.path + "/.round-000002.partial"
        try FileManager.default.createDirectory(atPath: aside, withIntermediateDirectories: true)
        try Data("half".utf8).write(to: URL(fileURLWithPath: aside + "/state.safetensors"))
        #expect(folder.store.newest(layout: Self.layout).found?.1.nextRound == RoundIndex(1))
        try folder.store.write(try Self.state(round: 2), identity: Self.identity, log: LogPosition(), keep: 3)
        #expect(folder.store.newest(layout: Self.layout).found?.1.nextRound == RoundIndex(2))
        #expect(!FileManager.default.fileExists(atPath: aside))
    }

    @Test func aDiskThatRefusesLeavesTheEarlierOne() throws {
        let folder = try Folder()
        try folder.store.write(try Self.state(round: 1), identity: Self.identity, log: LogPosition(), keep: 3)
        // A file in the way of the directory that is written aside fails as a full disk does, for root too.
        try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
        let blocked = CheckpointStore(path: folder.path + "/file/checkpoints")
        #expect(throws: SelMixError.self) {
            try blocked.write(try Self.state(round: 2), identity: Self.identity, log: LogPosition(), keep: 3)
        }
        #expect(folder.store.newest(layout: Self.layout).found?.1.nextRound == RoundIndex(1))
    }

    @Test func anotherHeadIsRefused() throws {
        let folder = try Folder()
        try folder.store.write(try Self.state(round: 1), identity: Self.identity, log: LogPosition(), keep: 3)
        let (found, refused) = folder.store.newest(layout: .linearHead(classes: 4, dimension: 5))
        #expect(found == nil)
        #expect(refused.first?.message.contains("is of a head [3, 5]") == true)
    }
}
