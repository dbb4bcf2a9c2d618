import Coordination
import Messaging

/// What a contribution brought, checked.
enum ContributionPayload: Sendable {
    case gradient(GradientFrames)
    case statistics(ValidationSums)
}

/// A contribution that counts, kept until its work is reduced.
struct KeptContribution: Sendable {
    var payload: ContributionPayload
    var loss: Double
    var digest: Digest
    /// Whose it is, so that its slices are known again.
    var origin: SliceIntake.Origin
    /// The worker that gave it, or `coordinator` for what was computed here, and when it arrived.
    var giver: String
    var arrival: Instant

    var gradient: GradientFrames {
        // What is kept is of the open work, whose kind decided what it was read as.
        guard case .gradient(let frames) = payload else { preconditionFailure("no gradient: \(payload)") }
        return frames
    }

    var statistics: ValidationSums {
        // As above.
        guard case .statistics(let sums) = payload else { preconditionFailure("no statistics: \(payload)") }
        return sums
    }
}
