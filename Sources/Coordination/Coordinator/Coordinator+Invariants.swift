import Common

extension Coordinator {
    /// Traps with the state when something that must always hold does not. Run by every simulated step and by tests.
    public func checkInvariants() {
        ledger.checkInvariants()
        var holders: [ShardID: Incarnation] = [:]
        for worker in workers.values {
            for outstanding in worker.outstanding {
                let assignment = outstanding.assignment
                precondition(worker.state != .joining, "\(worker.name) holds work while it is joining")
                precondition(
                    phase == .working(assignment.work), "\(worker.name) holds \(assignment.work) while \(phase)")
                precondition(assignment.weights == weights, "assignment \(assignment.number) has other weights")
                for shard in outstanding.missing.flatMap(\.shards) {
                    let other = holders.updateValue(worker.incarnation, forKey: shard)
                    precondition(other == nil, "shard \(shard) is held twice")
                }
            }
        }
        if case .working(let work) = phase {
            precondition(!ledger.isComplete, "\(work) is complete and still open")
            if !ready.isEmpty {
                for shard in ledger.missing { precondition(holders[shard] != nil, "nobody holds shard \(shard)") }
            }
            if case .train(let step) = work {
                precondition(step.rawValue == weights.rawValue, "step \(step) with weights \(weights)")
            }
        }
    }
}
