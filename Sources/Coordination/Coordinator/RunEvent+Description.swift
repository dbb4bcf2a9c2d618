// One line for each event of a run, for traces and debug logs.

extension RunEvent: CustomStringConvertible {
    public var description: String {
        switch self {
        case .started(let epoch): "started, epoch \(epoch)"
        case .waiting(let reason): "waiting: \(reason)"
        case .workerJoined(let name, _, _): "worker \(name) joined"
        case .workerReady(let name, _): "worker \(name) is ready"
        case .workerRefused(let name, _, let reason): "worker \(name) refused: \(reason)"
        case .workerFarSlower(_, _, let reason): reason
        case .workerDraining(let name, _, let reason): "worker \(name) is leaving: \(reason)"
        case .workerLeft(let name, _): "worker \(name) left"
        case .workerLost(let name, _, let reason): "worker \(name) lost: \(reason)"
        case .copied(let shards, let work, let straggler, let name):
            "shards \(shards.told) of \(work), which \(straggler) is slow with, copied to \(name)"
        case .moved(let shards, let work, let name): "shards \(shards.told) of \(work) moved to \(name)"
        case .reduction(let members, let reason):
            members.isEmpty
                ? "the coordinator sums the gradients: \(reason)"
                : "the gradients are summed by \(members.joined(separator: ", "))"
        case .repeated(let assignment, let name): "repeated to \(name): \(assignment)"
        case .dropped(let contribution, let name, let reason): "dropped from \(name): \(contribution): \(reason)"
        case .recomputing(let node, let work, let reason): "computing \(node) of \(work) here: \(reason)"
        case .quarantined(let quarantine): "worker \(quarantine.worker) quarantined: \(quarantine.reason)"
        case .roundStarted(let round): "round \(round)"
        case .selected(let selection):
            "selection of round \(selection.round)\(selection.converged ? ", converged" : "")"
        case .step(let result): "step \(result.step) done"
        case .finished(let outcome): "over: \(outcome)"
        }
    }
}

extension Outcome: CustomStringConvertible {
    public var description: String {
        switch self {
        case .finished: "finished"
        case .interrupted(let reason): "interrupted: \(reason)"
        case .failed(let error): "failed: \(error)"
        }
    }
}

extension CoordinatorDirective: CustomStringConvertible {
    public var description: String {
        switch self {
        case .send(let message, let peer): "send to \(peer): \(message)"
        case .sendWeights(let version, let held, let peer):
            "send to \(peer): weights \(version)\(held.map { " after \($0)" } ?? "")"
        case .assign(let assignment, let peer): "send to \(peer): assignment \(assignment)"
        case .keep(let node): "keep \(node)"
        case .drop(let node): "drop \(node)"
        case .keepSum(let index): "keep the sum of piece \(index)"
        case .dropSums: "drop all sums"
        case .recompute(let assignment): "compute here: \(assignment)"
        case .select(let round, let isLast): "select round \(round)\(isLast ? ", the last" : "")"
        case .applyStep(let step): "apply step \(step)"
        case .listFiles(let peer): "list files for \(peer)"
        case .serve(let chunk, let peer): "serve \(chunk) to \(peer)"
        case .record(let event): "record: \(event)"
        case .conclude: "write the results"
        case .finish(let outcome): "finish: \(outcome)"
        }
    }
}
