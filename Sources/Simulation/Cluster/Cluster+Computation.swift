import Common
import Coordination

// A worker's compute thread: one assignment after another, one shard after another, as production does in WorkerEngine.

extension Cluster {
    func compute(_ assignment: Assignment, on id: ProcessID) throws(Violation) {
        let worker = workers[id.index]
        guard let weights = worker.weights, weights.version == assignment.weights else {
            throw Violation("\(worker.name) is to compute \(assignment) without its weights: the shell would trap")
        }
        var heads = weights.heads
        if canary == .staleWeights, let former = worker.formerWeights, canaryDice.chance(0.2) { heads = former }
        var plan = worker.plans[assignment.number] ?? []
        if canary == .stalePlan, canaryDice.chance(0.2) { plan = plan.map { $0 &+ 1 } }
        workers[id.index].computations.append(
            WorkerProcess.Computation(
                assignment: assignment, heads: heads, plan: plan, generation: worker.generation,
                nodes: assignment.nodes(shards: model.shards)))
        if workers[id.index].computations.count == 1 { beginBlock(id) }
    }

    private func beginBlock(_ id: ProcessID) {
        let worker = workers[id.index]
        schedule(.blockDone(id), after: settings.blockTime * (worker.pace * worker.slowness))
    }

    func blockDone(_ id: ProcessID) throws(Violation) {
        guard workers[id.index].isRunning else { return }
        workers[id.index].blocks += 1
        var computation = workers[id.index].computations[0]
        guard computation.generation == workers[id.index].generation else { return next(id) }
        let node = computation.nodes[computation.node]
        computation.shardsOfNode += 1
        let nodeIsDone = computation.shardsOfNode == node.count
        if nodeIsDone {
            computation.node += 1
            computation.shardsOfNode = 0
        }
        workers[id.index].computations[0] = computation
        if nodeIsDone { try deliver(node, of: computation, id) }
        guard workers[id.index].isRunning else { return }
        if computation.node == computation.nodes.count {
            try finish(computation, id)
        } else {
            beginBlock(id)
        }
    }

    private func deliver(
        _ node: TreeNode, of computation: WorkerProcess.Computation, _ id: ProcessID
    ) throws(Violation) {
        let assignment = computation.assignment
        var tensors = model.sum(of: node, assignment, plan: computation.plan, heads: computation.heads)
        if faultDice.chance(workers[id.index].lies) {
            tensors = tensors.corrupted(by: id)
            statistics.count(.lie)
            liars.insert(workers[id.index].name)
            trace.line(now) { "\(told(workers[id.index].session.incarnation)) computes \(node) wrongly" }
        }
        var loss = 0.0
        var pieces: [Digest] = []
        if case .gradient(let sum) = tensors {
            loss = sum.loss
            if assignment.group != nil { pieces = model.pieceDigests(of: sum.gradient) }
        }
        workers[id.index].tensorsInHand = tensors
        try tell(
            id,
            .computed(
                Contribution(
                    assignment: assignment.number, work: assignment.work, weights: assignment.weights,
                    selection: assignment.selection, node: node, digest: model.digest(of: tensors), pieces: pieces,
                    loss: loss)))
    }

    private func finish(_ computation: WorkerProcess.Computation, _ id: ProcessID) throws(Violation) {
        workers[id.index].plans[computation.assignment.number] = nil
        try tell(id, .assignmentDone(computation.assignment.number))
        if workers[id.index].isRunning { next(id) }
    }

    private func next(_ id: ProcessID) {
        workers[id.index].computations.removeFirst()
        if !workers[id.index].computations.isEmpty { beginBlock(id) }
    }
}
