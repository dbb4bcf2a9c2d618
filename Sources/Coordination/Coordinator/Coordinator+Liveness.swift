import Common

// Who is alive and who makes progress; what happens to the work of those who do not.

extension Coordinator {
    mutating func onTick(at now: Instant, _ directives: inout [CoordinatorDirective]) {
        let timing = configuration.timing
        for worker in workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            if now >= worker.leaseEnd(timing) {
                noteGroupLoss(of: worker, at: now)
                lose(worker.incarnation, reason: "silent for \((now - worker.lastHeard).told)", at: now, &directives)
            } else if let stuck = (worker.outstanding + worker.late).first(where: {
                now >= $0.patienceEnd(timing, slowest: slowestTurnaround)
            }) {
                for shard in stuck.missing.flatMap(\.shards) where phase == .working(stuck.assignment.work) {
                    timesStuck[shard.rawValue] += 1
                }
                noteGroupLoss(of: worker, at: now)
                // One that says nothing at all is told as silent, whichever limit it reached first.
                let silence = now - worker.lastHeard
                let reason =
                    silence >= timing.lease / 2
                    ? "silent for \(silence.told)" : "no progress for \((now - stuck.lastSign).told)"
                lose(worker.incarnation, reason: reason, at: now, &directives)
            }
        }
        if let shortSince, now >= shortSince + configuration.workerWait {
            finish(
                .failed(
                    SelMixError(
                        .cluster, "\(waitingReason) after \(configuration.workerWait.told)",
                        hint: "start workers with `selmix worker --connect ADDR`, or raise `cluster.workerWait`")),
                &directives)
        }
    }

    /// Gives a worker up: its incarnation is fenced from now on, and what it held goes to the others.
    mutating func lose(
        _ incarnation: Incarnation, reason: String, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers[incarnation] else { return }
        fence(incarnation)
        directives.append(.record(.workerLost(worker.name, incarnation, reason: reason)))
        // If it lives after all, it may come back as a new incarnation.
        directives.append(.send(.rejoin(reason: reason), to: incarnation))
    }

    /// Nothing happens for a worker that was let go before it ended.
    mutating func onWorkerEnded(
        _ name: String, _ end: WorkerEnd, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers.values.first(where: { $0.name == name }) else { return }
        lose(worker.incarnation, reason: "its process \(end.told)", at: now, &directives)
    }

    /// Forgets a life for good, with what it holds.
    mutating func fence(_ incarnation: Incarnation) {
        workers[incarnation] = nil
        givenUp.insert(incarnation)
        // Its copies are gone, so that what they stood for may be copied again.
        for other in workers.keys {
            for index in workers[other]!.outstanding.indices { workers[other]!.outstanding[index].isCopied = false }
        }
    }

    /// Repeats an assignment that the worker does not hold although it was sent long ago: it, or its answer, was lost.
    mutating func resendLost(
        to incarnation: Incarnation, _ heartbeat: Heartbeat, at now: Instant,
        _ directives: inout [CoordinatorDirective]
    ) {
        guard var worker = workers[incarnation] else { return }
        var lacksWeights = heartbeat.weights != weights
        // What it was sent may not have arrived: it gets what follows the weights that it says it holds.
        let held = heartbeat.weights.flatMap { $0 < weights ? $0 : nil }
        for index in worker.outstanding.indices {
            let outstanding = worker.outstanding[index]
            let due =
                outstanding.lastSign
                + configuration.timing.repeatAfter(slowest: slowestTurnaround, timesStuck: outstanding.timesStuck)
            guard now >= due, !heartbeat.holding.contains(outstanding.assignment.number), outstanding.sendings < 4
            else { continue }
            worker.outstanding[index].sendings += 1
            worker.outstanding[index].lastSent = now
            worker.outstanding[index].lastSign = now
            directives.append(.record(.repeated(outstanding.assignment, to: worker.name)))
            if lacksWeights {
                noteMissingWeights(of: incarnation, at: now)
                directives.append(.sendWeights(weights, after: held, to: incarnation))
            }
            lacksWeights = false
            directives.append(.assign(outstanding.assignment, to: incarnation))
        }
        workers[incarnation] = worker
    }
}
