import Common
import Coordination

extension Instant {
    /// "   12.345678 s".
    var told: String {
        let total = sinceOrigin.microseconds
        let fraction = String(total % 1_000_000)
        let seconds = String(total / 1_000_000)
        return String(repeating: " ", count: max(0, 4 - seconds.utf8.count)) + seconds + "."
            + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction + " s"
    }
}

extension Network.Fate {
    /// Nothing when all is well.
    func told(_ now: Instant) -> String {
        switch self {
        case .arrives: ""
        case .arrivesTwice: "  [arrives twice]"
        case .overtaken: "  [may be overtaken]"
        case .lost: "  [lost]"
        case .cut: "  [lost in a partition]"
        case .held: "  [held by a partition]"
        }
    }
}

extension WorkerMessage {
    var isRoutine: Bool { if case .heartbeat = self { true } else { false } }
}

extension CoordinatorMessage {
    var isRoutine: Bool { self == .alive }

    /// Whether it tells a worker that it is not alone: a refusal does not.
    var counts: Bool { if case .refused = self { false } else { true } }
}

extension PeerMessage {
    var told: String {
        switch self {
        case .part(let part): "part \(part.index) of \(part.node), step \(part.step)"
        case .weightsPiece(let version, let index): "piece \(index) of weights \(version), passed on"
        }
    }
}

extension WorkerExit {
    var told: String {
        switch self {
        case .released(let reason): "released: \(reason)"
        case .failed(let error): "failed: \(error)"
        }
    }
}

extension Cluster {
    /// A life by its worker's name, its process and its number within that, which traces can be read by.
    func told(_ life: Incarnation) -> String {
        guard let process = owners[life] else { return "nobody" }
        return "\(workers[process.index].name)/\(process.index)-\(life.rawValue % 1000)"
    }

    func describe() {
        trace.line(now) {
            """
            \(model.shards) shards, \(model.rounds) rounds of \(model.stepsPerRound) steps, \(settings.workers) workers \
            (at least \(settings.minWorkers)), \(settings.manner) network, failure time-out \
            \(settings.timing.failureTimeout.told), a block \(settings.blockTime.told), \
            \(model.pieces > 0 ? "workers sum \(model.pieces) pieces, " : "")\
            \(settings.isPatient ? "has to finish" : "may give up"), faults until \(plan.end.told)
            """
        }
    }
}
