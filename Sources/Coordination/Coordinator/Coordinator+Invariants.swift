import Common

extension Coordinator {
    /// Traps with the state when something that must always hold does not. Run by tests.
    public func checkInvariants() {
        // Tests alone call this.
        if let broken = brokenInvariant { fatalError(broken) }
    }

    /// What must always hold and does not; nil while all is well. Looked at after every simulated step.
    public var brokenInvariant: String? {
        var holders = [Incarnation?](repeating: nil, count: configuration.shards)
        var names = [Set<String>](repeating: [], count: configuration.shards)
        for worker in workers.values {
            for outstanding in worker.outstanding {
                let assignment = outstanding.assignment
                if worker.state == .joining { return "\(worker.name) holds work while it is joining" }
                if phase != .working(assignment.work) {
                    return "\(worker.name) holds \(assignment.work) while \(phase)"
                }
                if assignment.weights != weights { return "assignment \(assignment.number) has other weights" }
                for node in outstanding.missing {
                    for shard in node.lower..<node.upper {
                        if !names[shard].insert(worker.name).inserted {
                            return "shard \(shard) is held twice by \(worker.name)"
                        }
                        if outstanding.role == .own {
                            if holders[shard] != nil { return "shard \(shard) is held twice" }
                            holders[shard] = worker.incarnation
                        }
                    }
                }
            }
        }
        if case .working(let work) = phase {
            if ledger.isComplete, reduction == nil || reduction?.isSummed == true {
                return "\(work) is complete and still open"
            }
            if workers.values.contains(where: { $0.state == .ready }),
                let orphan = ledger.missing.first(where: { names[$0.rawValue].isEmpty })
            {
                return "nobody holds shard \(orphan)"
            }
            for entry in ledger.entries where !entry.isSettled && !entry.isRecomputing {
                if names[entry.node.lower].subtracting(entry.givers).isEmpty {
                    return "nobody computes \(entry.node) a second time"
                }
            }
            if case .train(let step) = work, step.rawValue != weights.rawValue {
                return "step \(step) with weights \(weights)"
            }
        }
        return ledger.brokenInvariant
    }
}
