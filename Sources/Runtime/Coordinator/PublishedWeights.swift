import Common
import Coordination
import Messaging
import Training

/// Weights as they go out to workers: float32 where a round begins, so that validation is exact, and otherwise in the
/// compute precision. A worker rounds the former itself before it trains with them.
struct PublishedWeights: Sendable {
    let version: WeightsVersion
    let values: PackedParameters
    /// Of all pieces, then of the tensors that are not sliced.
    let digest: Digest

    init(version: WeightsVersion, values: PackedParameters, digest: Digest) {
        (self.version, self.values, self.digest) = (version, values, digest)
    }

    init(version: WeightsVersion, _ weights: Parameters) {
        let values = PackedParameters(weights)
        self.init(version: version, values: values, digest: Digest(rawValue: values.payloadDigest))
    }
}

extension PackedParameters {
    /// The digest of these values as they travel.
    var payloadDigest: UInt64 {
        let slices = layout.slices.indices.flatMap { layout.digests(of: $0, frame(of: layout.slices[$0])) }
        return (slices + wholeFrames.map(\.digest)).combined
    }
}
