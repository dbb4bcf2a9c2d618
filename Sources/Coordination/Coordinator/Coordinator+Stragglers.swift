import Common

// A straggler's shards are computed a second time by whoever has nothing to do. The first copy counts, and the second must
// be the same. While the straggler is still busy with what is over, it is given nothing new.

extension Coordinator {
    /// How long an assignment may take before it is copied: twice what the others took, and long enough that it is no jitter.
    private var stragglerWait: Duration? {
        pace.map { max($0 * 2, configuration.timing.failureTimeout / 100) }
    }

    /// Ready, and with nothing to do, not even for work that is over.
    private var idle: [WorkerRecord] { ready.filter { $0.outstanding.isEmpty && $0.late.isEmpty } }

    /// Who can compute copies: where a group sums, its members know each other.
    private var helpers: [WorkerRecord] { idle.filter { reduction?.group.contains($0.incarnation) ?? true } }

    /// Who is given work: those who are not busy with what is over, or, if all are, all.
    var receivers: [WorkerRecord] {
        let free = ready.filter(\.late.isEmpty)
        return free.isEmpty ? ready : free
    }

    /// When the next assignment becomes one to copy; nil while nobody could.
    var stragglerDeadline: Instant? {
        guard case .working = phase, let wait = stragglerWait, !helpers.isEmpty else { return nil }
        return workers.values.flatMap(\.outstanding).filter { $0.role != .copy && !$0.isCopied }
            .map { $0.firstSent + wait }.min()
    }

    /// What a straggler is to audit and all that are idle have computed themselves is computed here, as where there is no second
    /// worker: or else one slow worker would hold up every step of an audited run.
    private mutating func auditHere(
        _ held: WorkerRecord.Outstanding, of work: Work, _ directives: inout [CoordinatorDirective]
    ) {
        let helpers = helpers
        for node in held.missing.sorted(by: { $0.lower < $1.lower }) {
            guard let entry = ledger.entry(of: node), !entry.isSettled, !entry.isRecomputing,
                helpers.allSatisfy({ entry.givers.contains($0.name) })
            else { continue }
            let givers = entry.givers.sorted().joined(separator: " and ")
            recompute(node, of: work, because: "no second worker is quick enough to audit \(givers)", &directives)
        }
    }

    /// One helper computes all that a straggler still holds, so that its nodes are the same and the copies can be compared:
    /// all but what it has already computed for an audit, or what is copied already.
    mutating func copyStragglers(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        guard case .working(let work) = phase, let wait = stragglerWait else { return }
        for straggler in workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            for (index, outstanding) in straggler.outstanding.enumerated()
            where outstanding.role != .copy && !outstanding.isCopied && now >= outstanding.firstSent + wait {
                guard let helper = helpers.first else { return }
                workers[straggler.incarnation]?.outstanding[index].isCopied = true
                auditHere(outstanding, of: work, &directives)
                let copied = Set(workers.values.flatMap(\.outstanding).filter { $0.role == .copy }.flatMap(\.missing))
                let shards = outstanding.missing.filter { node in
                    let entry = ledger.entry(of: node)
                    return !copied.contains(node) && entry?.isSettled != true
                        && entry?.givers.contains(helper.name) != true
                }.flatMap(\.shards).sorted()
                guard !shards.isEmpty else { continue }
                directives.append(.record(.copied(shards, of: work, from: straggler.name, to: helper.name)))
                assign(shards, of: work, to: helper.incarnation, as: .copy, at: now, &directives)
            }
        }
    }
}
