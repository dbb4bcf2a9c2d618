import Common
import Coordination

/// What travels beside a message.
enum Tensors: Sendable, Equatable {
    case none
    /// Some heads, by fold.
    case weights([Int: Model.Parameters])
    /// A word for each shard of an assignment.
    case plan([UInt64])
    case gradient(GradientSum)
    /// A piece of a gradient or of weights.
    case piece(Model.Parameters)
    /// What is left of a contribution whose gradient went to the workers of a group.
    case loss(Double)
    case validation(ValidationSum)

    var digest: Digest {
        switch self {
        case .none, .weights, .plan, .piece, .loss:
            Digest(rawValue: 0)
        case .gradient(let sum):
            Digest(rawValue: Model.hash((0..<4).map { UInt64(sum.gradient[$0].bitPattern) } + [sum.loss.bitPattern]))
        case .validation(let sum):
            Digest(
                rawValue: Model.hash(
                    [sum.counts] + (sum.featureSums.map { [$0[0].bitPattern, $0[1].bitPattern] } ?? [])))
        }
    }

    /// Wrong in one bit; which one depends on who computes it.
    func corrupted(by process: ProcessID) -> Tensors {
        switch self {
        case .none, .weights, .plan, .piece, .loss: return self
        case .gradient(var sum):
            sum.gradient[process.index % 4] = Float(
                bitPattern: sum.gradient[process.index % 4].bitPattern ^ 1 << UInt32(process.index / 4 % 23))
            return .gradient(sum)
        case .validation(var sum):
            sum.counts ^= 1 << UInt64(process.index % 64)
            return .validation(sum)
        }
    }

    static func + (a: Tensors, b: Tensors) -> Tensors {
        switch (a, b) {
        case (.gradient(let left), .gradient(let right)): .gradient(left + right)
        case (.validation(let left), .validation(let right)): .validation(left + right)
        case (.loss(let left), .loss(let right)): .loss(left + right)
        default: preconditionFailure("\(a) and \(b) cannot be added")
        }
    }
}

extension Model {
    /// What a worker answers for one node of an assignment.
    ///
    /// - Parameter plan: the words of the assignment's shards, in their order.
    func sum(of node: TreeNode, _ assignment: Assignment, plan: [UInt64], heads: [Parameters]) -> Tensors {
        node.reduce(
            { node in
                guard node.count == 1 else { return nil }
                let shard = ShardID(node.lower)
                switch assignment.work {
                case .validate:
                    return .validation(
                        validation(shard: shard, heads: heads, withFeatureSums: assignment.featureSums))
                case .train(let step):
                    let position = assignment.shards.firstIndex(of: shard)!
                    return .gradient(
                        gradient(
                            step: step, shard: shard, plan: plan[position], weights: heads[turns.head(of: step)]))
                }
            }, add: +)
    }
}
