import Common

/// What one worker says that a node's sum is. The tensors' digest says all of it but the loss, which travels beside them.
struct Claim: Sendable {
    let worker: String
    let host: String
    let incarnation: Incarnation
    /// The assignment that it was computed for; an audit of several nodes of one assignment has these nodes again.
    let assignment: UInt64
    let digest: Digest
    let loss: Double

    func agrees(with other: Claim) -> Bool { agrees(with: other.digest, other.loss) }

    func agrees(with digest: Digest, _ loss: Double) -> Bool {
        self.digest == digest && self.loss.isSame(as: loss)
    }
}

extension Double {
    /// Equal, or both no number: what one machine computes another one computes too, whatever it is.
    fileprivate func isSame(as other: Double) -> Bool { self == other || (isNaN && other.isNaN) }
}
