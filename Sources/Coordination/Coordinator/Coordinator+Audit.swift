import Common

// What has to be computed twice goes to a second worker, or, where there is none, to the coordinator's own shell. Who is
// right when two differ is settled by the shell alone: it computes the node as a worker would, and since it holds the
// master weights, a run is right only if it is.

extension Coordinator {
    private static let ownName = "the coordinator"

    /// Audited nodes that one worker has computed or is to compute, and nobody else.
    private struct Unaudited {
        var nodes: [TreeNode] = []
        let worker: String
        let host: String
        /// They are counted: if no second worker is there, they can be computed here.
        let isCounted: Bool
    }

    /// Finds a second worker for what is to be audited. It computes the same nodes, behind what it already holds.
    mutating func dealAudits(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, configuration.audit.fraction > 0 else { return }
        for group in unaudited(in: work) {
            let partner = ready.filter { $0.name != group.worker }.min { rank($0, group) < rank($1, group) }
            if let partner {
                assign(
                    group.nodes.flatMap(\.shards).sorted(), of: work, to: partner.incarnation, as: .audit, at: now,
                    &directives)
            } else if group.isCounted {
                for node in group.nodes {
                    recompute(node, of: work, because: "no second worker to audit \(group.worker)", &directives)
                }
            }
        }
    }

    /// Who is free, who holds less, and who is on another machine comes first.
    private func rank(_ worker: WorkerRecord, _ group: Unaudited) -> (Int, Int, Int, Int) {
        (worker.late.isEmpty ? 0 : 1, worker.load, worker.host == group.host ? 1 : 0, worker.joinOrder)
    }

    private func unaudited(in work: Work) -> [Unaudited] {
        var holders: [TreeNode: Set<String>] = [:]
        for worker in workers.values {
            for node in worker.outstanding.flatMap(\.missing) { holders[node, default: []].insert(worker.name) }
        }
        let counted = Set(ledger.entries.map(\.node))
        var groups: [Unaudited] = []
        for worker in workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            for outstanding in worker.outstanding {
                let nodes = outstanding.missing.filter {
                    holders[$0]!.count == 1 && !counted.contains($0) && configuration.audit.contains($0, in: work)
                }
                let group = Unaudited(worker: worker.name, host: worker.host, isCounted: false)
                groups += split(nodes.sorted { $0.lower < $1.lower }, group)
            }
        }
        let alone = ledger.entries.filter {
            !$0.isSettled && !$0.isRecomputing && (holders[$0.node] ?? []).subtracting($0.givers).isEmpty
        }
        for (_, entries) in Dictionary(grouping: alone, by: { $0.claims[0].assignment }).sorted(by: { $0.key < $1.key })
        {
            let first = entries[0].claims[0]
            let group = Unaudited(worker: first.worker, host: first.host, isCounted: true)
            groups += split(entries.map(\.node).sorted { $0.lower < $1.lower }, group)
        }
        return groups
    }

    /// One assignment for nodes that its receiver would answer with again. Those of one assignment always are; it takes a
    /// worker that invents assignments to make others.
    private func split(_ nodes: [TreeNode], _ group: Unaudited) -> [Unaudited] {
        guard !nodes.isEmpty else { return [] }
        func part(_ nodes: [TreeNode]) -> Unaudited {
            var made = group
            made.nodes = nodes
            return made
        }
        let answered = TreeNode.maximalNodes(of: nodes.flatMap(\.shards), total: configuration.shards)
        let isWhole = answered == nodes || configuration.tracesShards
        return isWhole ? [part(nodes)] : nodes.map { part([$0]) }
    }

    /// Has the shell compute a counted node.
    mutating func recompute(
        _ node: TreeNode, of work: Work, because reason: String, _ directives: inout [CoordinatorDirective]
    ) {
        ledger.recompute(node)
        directives.append(.record(.recomputing(node, of: work, reason: reason)))
        directives.append(.recompute(assignment(0, node.shards, of: work, eachShard: false)))
    }

    mutating func onRecomputed(
        _ contribution: Contribution, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        let verdict = Claim(
            worker: Self.ownName, host: "", incarnation: Incarnation(rawValue: 0), assignment: 0,
            digest: contribution.digest, loss: contribution.loss)
        // A node that is not counted any more was dropped meanwhile, and has been dealt again.
        guard phase == .working(contribution.work),
            let (wrong, keptIsWrong) = ledger.settle(contribution.node, by: verdict)
        else { return }
        if keptIsWrong { directives += [.drop(contribution.node), .keep(contribution.node)] }
        for claim in wrong {
            quarantine(
                claim, contribution.node, of: contribution.work, expected: contribution.digest,
                witness: Self.ownName, &directives)
        }
        completeIfDone(at: now, &directives)
    }

    /// Takes nothing more from a worker that computed wrongly, and takes back what it gave to the open work and nobody
    /// else has computed.
    mutating func quarantine(
        _ claim: Claim, _ node: TreeNode, of work: Work, expected: Digest, witness: String,
        _ directives: inout [CoordinatorDirective]
    ) {
        guard quarantined[claim.worker] == nil else { return }
        let quarantine = Quarantine(
            worker: claim.worker, host: claim.host, incarnation: claim.incarnation, work: work, node: node,
            digest: claim.digest, expected: expected, witness: witness, unproven: unproven[claim.worker] ?? 0)
        quarantined[claim.worker] = quarantine.reason
        directives.append(.record(.quarantined(quarantine)))
        if let live = workers.values.first(where: { $0.name == claim.worker }) {
            fence(live.incarnation)
            directives.append(
                .send(.refused(reason: "quarantined: \(quarantine.reason)", retry: false), to: live.incarnation))
            directives.append(.record(.workerLost(live.name, live.incarnation, reason: "quarantined")))
        }
        if case .working = phase { directives += ledger.withdraw(claim.worker).map { .drop($0) } }
    }
}
