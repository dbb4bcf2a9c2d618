import Common
import Coordination
import Messaging
import Training

/// A head as it goes out to workers: float32 where a validation will judge it, so that this is exact, and otherwise in the
/// compute precision. A worker rounds the former itself before it trains with them.
struct PublishedHead: Sendable {
    let values: PackedParameters
    /// The digest of all pieces' digests, then those of the tensors that are not sliced.
    let digest: Digest

    init(values: PackedParameters, digest: Digest) { (self.values, self.digest) = (values, digest) }

    init(_ weights: Parameters) {
        let values = PackedParameters(weights)
        self.init(values: values, digest: Digest(rawValue: values.payloadDigest))
    }
}

/// The weights of one version: all heads of the run, each as it was last published.
struct PublishedWeights: Sendable {
    private(set) var version: WeightsVersion
    private(set) var heads: [PublishedHead]
    private let turns: FoldTurns

    init(version: WeightsVersion, _ heads: [Parameters]) {
        self.version = version
        self.heads = heads.map { PublishedHead($0) }
        turns = FoldTurns(heads: heads.count)
    }

    /// Takes what a step made of the head that it trained.
    mutating func advance(past step: StepIndex, _ head: PublishedHead) {
        // Steps are counted by the state machine, and each is applied once.
        precondition(step.rawValue == version.rawValue, "step \(step) does not follow weights \(version)")
        heads[turns.head(of: step)] = head
        version = version + 1
    }

    var values: [PackedParameters] { heads.map(\.values) }

    /// The heads that bring a worker from an earlier version to this one; all heads for a worker without any.
    func trained(after earlier: WeightsVersion?) -> [Int] { turns.trained(after: earlier, upTo: version) }

    /// What the message that completes these heads announces.
    func digest(of included: [Int]) -> Digest { .ofHeads(included.map { heads[$0].digest }) }
}

extension Digest {
    /// The digest of some heads that travel together; that of a lone head is its own.
    static func ofHeads(_ digests: [Digest]) -> Digest {
        digests.count == 1 ? digests[0] : Digest(rawValue: digests.map(\.rawValue).combined)
    }
}

extension PackedParameters {
    /// The digest of these values as they travel.
    var payloadDigest: UInt64 {
        let slices = layout.slices.indices.flatMap { layout.digests(of: $0, frame(of: layout.slices[$0])) }
        return (slices + wholeFrames.map(\.digest)).combined
    }
}
