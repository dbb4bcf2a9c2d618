import CKernels
import Common
import Coordination
import Foundation
import Training

/// The checkpoints of one run: a directory each, `checkpoints/round-000012`, with a manifest and one tensor file.
///
/// A checkpoint is written aside, synced, renamed, and its parent synced, so after a crash at any instant it is there as a
/// whole or not at all. The manifest begins with a digest of itself and holds digests of everything else, so a checkpoint
/// that was torn or altered all the same is recognised; the one before is used then.
struct CheckpointStore: Sendable {
    enum Name {
        static let manifest = "checkpoint.json"
        static let tensors = "state.safetensors"
        static let prefix = "round-"
    }

    /// The run's `checkpoints` directory.
    let path: String

    // MARK: Writing

    /// - Parameters:
    ///   - log: how much of the event log is durable.
    ///   - keep: how many checkpoints stay, the newest ones.
    /// - Throws: when the disk refuses; what was there before stays as it was.
    func write(_ state: CheckpointState, identity: Identity, log: LogPosition, keep: Int) throws {
        let name = Self.name(of: state.nextRound)
        let aside = "\(path)/.\(name).partial"
        let files = FileManager.default
        try? files.removeItem(atPath: aside)
        do {
            try files.createDirectory(atPath: aside, withIntermediateDirectories: true)
            let tensors = try state.tensors()
            let bytes = try SafetensorsWriter.encode(tensors)
            let file = try TensorFile.decode(
                bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: aside + "/" + Name.tensors)
            let layout = state.heads[0].layout["weight"].shape
            let hasBias = !state.heads[0].layout["bias"].isFixed
            let manifest = CheckpointManifest(
                version: Version.current, runID: identity.runID.description, epoch: identity.epoch.rawValue,
                configurationDigest: identity.configuration.description, nextRound: state.nextRound.rawValue,
                nextStep: identity.stepsPerRound * state.nextRound.rawValue, eventOffset: log.offset,
                eventDigest: log.digest.hexadecimal,
                classes: layout[0], dimension: layout[1], hasBias: hasBias, folds: state.heads.count,
                convergence: state.convergence,
                history: state.history,
                bestRound: state.bestRound, meanLoss: state.meanLoss, fileDigest: Self.digest(bytes),
                tensors: Dictionary(
                    uniqueKeysWithValues: try tensors.map { ($0.name, try Self.digest(of: file.tensor($0.name))) }))
            try Self.put(bytes, at: aside + "/" + Name.tensors)
            try Self.put(Self.sealed(manifest), at: aside + "/" + Name.manifest)
            try Self.sync(directory: aside)
            let final = "\(path)/\(name)"
            try? files.removeItem(atPath: final)
            guard rename(aside, final) == 0 else { throw Self.systemError("rename") }
            try Self.sync(directory: path)
            // The first one is in a directory that may be new itself.
            try Self.sync(directory: URL(fileURLWithPath: path).deletingLastPathComponent().path)
        } catch {
            try? files.removeItem(atPath: aside)
            let known = SelMixError(describing: error)
            throw SelMixError(
                .failed, "the checkpoint \(name) cannot be written", hint: known.hint ?? "look at \(path)",
                cause: known.cause ?? known.message)
        }
        for old in names().dropLast(keep) { try? files.removeItem(atPath: "\(path)/\(old)") }
    }

    /// What a checkpoint belongs to.
    struct Identity: Sendable {
        var runID: RunID
        var epoch: Epoch
        var configuration: Digest
        var stepsPerRound: Int
    }

    // MARK: Reading

    /// The checkpoints' names, oldest first.
    func names() -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return all.filter { $0.hasPrefix(Name.prefix) }.sorted()
    }

    /// The newest checkpoint that is whole, and why newer ones are not used.
    func newest(layout: ParameterLayout) -> (found: (CheckpointManifest, CheckpointState)?, refused: [SelMixError]) {
        var refused: [SelMixError] = []
        for name in names().reversed() {
            do {
                return (try load(name, layout: layout), refused)
            } catch {
                refused.append(SelMixError(describing: error))
            }
        }
        return (nil, refused)
    }

    func load(_ name: String, layout: ParameterLayout) throws -> (CheckpointManifest, CheckpointState) {
        let (manifest, file) = try verify(name)
        guard layout["weight"].shape == [manifest.classes, manifest.dimension] else {
            throw SelMixError(
                .failed, "\(name) is of a head [\(manifest.classes), \(manifest.dimension)], not of this job's")
        }
        return (manifest, try CheckpointState(file, manifest: manifest, layout: layout))
    }

    /// Checks every digest of a checkpoint.
    ///
    /// - Throws: what is wrong with it.
    @discardableResult
    func verify(_ name: String) throws -> (manifest: CheckpointManifest, tensors: TensorFile) {
        do {
            let manifest = try Self.unsealed(Self.read("\(path)/\(name)/\(Name.manifest)"))
            guard manifest.format == CheckpointManifest.currentFormat else {
                throw SelMixError(
                    .failed, "it has format \(manifest.format), this program reads \(CheckpointManifest.currentFormat)")
            }
            let bytes = try Self.read("\(path)/\(name)/\(Name.tensors)")
            guard Self.digest(bytes) == manifest.fileDigest else {
                throw SelMixError(.failed, "\(Name.tensors) is not what was written")
            }
            let file = try TensorFile.decode(
                bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: "\(path)/\(name)/\(Name.tensors)")
            for (tensor, digest) in manifest.tensors where try Self.digest(of: file.tensor(tensor)) != digest {
                throw SelMixError(.failed, "the tensor \(tensor) is not what was written")
            }
            return (manifest, file)
        } catch {
            throw SelMixError(describing: error).within("checkpoint \(name)")
        }
    }

    static func name(of round: RoundIndex) -> String {
        let digits = String(round.rawValue)
        return Name.prefix + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
