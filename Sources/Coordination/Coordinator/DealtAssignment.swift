import Common

/// What one assignment of a piece of work asked for, and of whom. A contribution counts, or is blamed on anybody, only if
/// it answers one.
struct DealtAssignment: Sendable {
    let incarnation: Incarnation
    let nodes: Set<TreeNode>
}

/// A piece of work that is over: what late contributions to it are compared with.
struct ClosedWork: Sendable {
    let work: Work
    let ledger: Ledger
    let dealt: [UInt64: DealtAssignment]
}
