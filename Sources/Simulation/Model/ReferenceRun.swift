import Common
import Coordination

/// The undisturbed run, computed in one place without a cluster: what every simulated run has to agree with, bit for bit.
struct ReferenceRun: Sendable {
    let model: Model
    /// By version.
    private(set) var weights: [[Model.Parameters]] = []
    /// By round.
    private(set) var selections: [Selection] = []
    /// By step.
    private(set) var steps: [StepResult] = []

    /// The round with which the run ends.
    var lastRound: RoundIndex { selections.last!.round }

    init(_ model: Model) {
        self.model = model
        var state = TrainingState(model)
        weights = [state.heads]
        let root = TreeNode.root(shards: model.shards)
        for round in 0...model.rounds {
            let validate = Work.validate(RoundIndex(round))
            guard case .validation(let sums) = value(of: root, in: validate, withFeatureSums: true) else { break }
            selections.append(state.select(RoundIndex(round), sums, isLast: round == model.rounds, model)!)
            if round == model.rounds || selections[round].converged { return }
            for step in round * model.stepsPerRound..<(round + 1) * model.stepsPerRound {
                guard case .gradient(let sum) = value(of: root, in: .train(StepIndex(step)), withFeatureSums: false)
                else { break }
                steps.append(state.apply(StepIndex(step), sum, model))
                weights.append(state.heads)
            }
        }
    }

    /// What a contribution of this node has to be.
    func value(of node: TreeNode, in work: Work, withFeatureSums: Bool) -> Tensors {
        let (version, selection) = input(of: work)
        let assignment = Assignment(
            number: 0, work: work, weights: version, selection: selection, shards: node.shards,
            featureSums: withFeatureSums)
        var plan: [UInt64] = []
        if case .train(let step) = work {
            plan = node.shards.map { model.plan(selection: selection, step: step, shard: $0) }
        }
        return model.sum(of: node, assignment, plan: plan, heads: weights[version.rawValue])
    }

    /// The weights and the selection that this work is done with.
    func input(of work: Work) -> (weights: WeightsVersion, selection: Digest) {
        switch work {
        case .validate(let round):
            (WeightsVersion(round.rawValue * model.stepsPerRound), Digest(rawValue: 0))
        case .train(let step):
            (WeightsVersion(step.rawValue), selections[step.rawValue / model.stepsPerRound].digest)
        }
    }

    /// What follows this work; nil after the last.
    func next(after work: Work) -> Work? {
        switch work {
        case .validate(let round):
            return round == lastRound ? nil : .train(StepIndex(round.rawValue * model.stepsPerRound))
        case .train(let step):
            let next = step + 1
            return next.rawValue % model.stepsPerRound == 0
                ? .validate(RoundIndex(next.rawValue / model.stepsPerRound)) : .train(next)
        }
    }
}
