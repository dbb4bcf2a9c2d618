/// How a worker is doing, in one word; ``WorkerHealth`` says why.
public enum WorkerState: String, Sendable, Codable, CaseIterable {
    /// Welcomed, loads its data and tests itself.
    case joining
    /// Can be given work, and has none.
    case ready
    /// Has work.
    case computing
    /// Takes much longer than the others, or waits for its disk.
    case slow
    /// Alive, but without progress on its work.
    case stuck
    /// Silent for half of the failure time-out.
    case suspect
    /// Given up.
    case lost
    /// Finishes what it holds, then leaves.
    case draining
    /// Let go, or refused.
    case left
    /// Computed something wrongly, and gets no more work.
    case quarantined

    /// Whether it takes part in the run.
    public var isHere: Bool {
        switch self {
        case .lost, .left, .quarantined: false
        default: true
        }
    }

    /// Whether somebody should look at it.
    public var isTrouble: Bool {
        switch self {
        case .slow, .stuck, .suspect, .lost, .quarantined: true
        default: false
        }
    }
}
