import Common

/// A worker that computed wrongly, and how that showed. Its name is refused for the rest of the run.
public struct Quarantine: Sendable, Equatable {
    public let worker: String
    public let host: String
    public let incarnation: Incarnation
    public let work: Work
    public let node: TreeNode
    /// Of what it sent, and of what is right.
    public let digest: Digest
    public let expected: Digest
    /// Whose result is taken for right.
    public let witness: String
    /// How many of its contributions to earlier work count although nobody computed them a second time.
    public let unproven: Int

    public var reason: String {
        let earlier = unproven == 0 ? "" : "; \(unproven) of its earlier contributions count without a second computing"
        return "\(node) of \(work) is \(expected) (computed by \(witness)), it sent \(digest)\(earlier)"
    }
}
