import Common
import Foundation
import Training

/// What people ask of a run's checkpoints from the command line.
public struct CheckpointInspection {
    /// One checkpoint, whole or not.
    public struct Entry: Encodable, Sendable {
        public var name: String
        /// The round and the step that come next; nil when it cannot be read.
        public var nextRound: Int?
        public var nextStep: Int?
        public var epoch: UInt64?
        public var bestRound: Int?
        public var version: String?
        /// What is wrong with it; nil when every digest is right.
        public var problem: String?
    }

    private let store: CheckpointStore

    /// - Parameter run: a run's output directory.
    public init(run: String) throws {
        store = CheckpointStore(path: run + "/checkpoints")
        guard !store.names().isEmpty else {
            throw SelMixError(
                .invalidInput, "\(run) holds no checkpoints", hint: "name the `output` directory of a run")
        }
    }

    /// All checkpoints, oldest first, each checked against its digests.
    public func entries() -> [Entry] {
        store.names().map { name in
            do {
                let manifest = try store.verify(name).manifest
                return Entry(
                    name: name, nextRound: manifest.nextRound, nextStep: manifest.nextStep, epoch: manifest.epoch,
                    bestRound: manifest.bestRound.round?.rawValue, version: manifest.version)
            } catch {
                return Entry(name: name, problem: SelMixError(describing: error).message)
            }
        }
    }

    /// Writes one of a checkpoint's heads as a file of `weight` and `bias`.
    ///
    /// - Parameters:
    ///   - name: which checkpoint; nil for the newest.
    ///   - best: the best head so far; otherwise the weights that were trained last.
    /// - Returns: the checkpoint's name.
    public func export(_ name: String?, best: Bool, to path: String) throws -> String {
        guard let name = name ?? store.names().last else { preconditionFailure("a store without checkpoints") }
        guard store.names().contains(name) else {
            throw SelMixError(
                .invalidInput, "there is no checkpoint \(name)",
                hint: "there are \(store.names().joined(separator: ", "))")
        }
        let manifest = try store.verify(name).manifest
        let layout = ParameterLayout.linearHead(
            classes: manifest.classes, dimension: manifest.dimension, hasBias: manifest.hasBias ?? true)
        let state = try store.load(name, layout: layout).1
        try HeadFile.write(best ? state.best.head : state.heads.mean, to: path)
        return name
    }
}
