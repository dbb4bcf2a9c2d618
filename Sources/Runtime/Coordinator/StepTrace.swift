import Common
import Coordination

/// Who contributed to a step and who was waited for; with shards traced, also what each shard and each tensor was.
public struct StepTrace: Sendable, Equatable {
    /// Tree nodes by worker.
    public var contributors: [String: [String]]
    /// Whose contribution came last, and how long after the first.
    public var waitedFor: String
    public var waited: Duration
    /// When each worker's last contribution arrived.
    public var arrivals: [String: Instant]
    /// Digest of each shard's gradient, and of each tensor of the new weights; empty unless they are traced.
    public var shards: [String] = []
    public var tensors: [String: String] = [:]

    init(_ contributions: [TreeNode: KeptContribution]) {
        let ordered = contributions.sorted { $0.key.lower < $1.key.lower }
        contributors = Dictionary(grouping: ordered, by: \.value.giver).mapValues { $0.map(\.key.description) }
        self.arrivals = Dictionary(ordered.map { ($0.value.giver, $0.value.arrival) }, uniquingKeysWith: max)
        let arrivals = ordered.map(\.value).sorted { $0.arrival < $1.arrival }
        waitedFor = arrivals.last?.giver ?? ""
        waited = arrivals.last.map { $0.arrival - arrivals[0].arrival } ?? .zero
    }

    /// Adds what is only told where shards are traced.
    mutating func trace(_ contributions: [TreeNode: KeptContribution], tensors: [String: String]) {
        let ordered = contributions.sorted { $0.key.lower < $1.key.lower }
        if ordered.allSatisfy({ $0.key.count == 1 }) { shards = ordered.map(\.value.digest.description) }
        self.tensors = tensors
    }
}
