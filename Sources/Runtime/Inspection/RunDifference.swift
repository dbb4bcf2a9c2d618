import Common

/// Where two runs part: the first step after which their weights differ, and, as far as both were traced, in which tensor
/// and by whose shard.
public struct RunDifference: Sendable, Encodable {
    /// Settings that differ, such as "seed: 1 here, 0 there".
    public var settings: [String]
    /// Steps that both runs have.
    public var comparedSteps: Int
    /// The first step whose weights differ; nil where none does.
    public var firstStep: Int?
    /// Tensors that differ after that step; empty where a run did not trace them.
    public var tensors: [String]
    /// Shards whose gradients differ in that step; empty where a run did not trace them.
    public var shards: [Int]

    /// - Parameters: output directories of two runs.
    public init(_ a: String, _ b: String) throws {
        settings = try RunLog.info(run: a).job.differences(from: RunLog.info(run: b).job)
        let (left, right) = (try RunLog(run: a).steps, try RunLog(run: b).steps)
        (tensors, shards) = ([], [])
        let pairs = Array(zip(left, right))
        comparedSteps = pairs.count
        guard let (l, r) = pairs.first(where: { $0.step != $1.step || $0.weightsDigest != $1.weightsDigest }) else {
            return
        }
        guard l.step == r.step else {
            throw SelMixError(
                .invalidInput, "the logs do not hold the same steps: \(l.step ?? -1) in \(a), \(r.step ?? -1) in \(b)")
        }
        firstStep = l.step
        if let mine = l.tensorDigests, let theirs = r.tensorDigests {
            tensors = Set(mine.keys).union(theirs.keys).filter { mine[$0] != theirs[$0] }.sorted()
        }
        if let mine = l.shardDigests, let theirs = r.shardDigests, mine.count == theirs.count {
            shards = mine.indices.filter { mine[$0] != theirs[$0] }
        }
    }

    /// In words.
    public var text: String {
        var lines = settings.map { "differs: \($0)".printable }
        guard let firstStep else {
            return (lines + ["the same weights after each of the \(comparedSteps) steps that both runs have"])
                .joined(separator: "\n")
        }
        lines.append("the runs part at step \(firstStep): its weights differ, all before are the same")
        if !tensors.isEmpty { lines.append("tensors that differ: \(tensors.joined(separator: ", "))") }
        if !shards.isEmpty {
            lines.append("shards whose gradients differ: \(shards.map(String.init).joined(separator: ", "))")
        }
        if tensors.isEmpty && shards.isEmpty {
            lines.append("run both with `trace: shards` to see in which tensor and shard")
        }
        return lines.joined(separator: "\n")
    }
}
