import Common
import Coordination

/// What happened in some simulated runs, in figures.
public struct Statistics: Sendable {
    public private(set) var runs = 0
    public internal(set) var events = 0
    public private(set) var troubles: [Trouble: Int] = [:]
    /// How runs ended.
    public private(set) var ends: [String: Int] = [:]
    /// What the coordinators did about the troubles.
    public private(set) var answers: [String: Int] = [:]
    /// The longest time from the end of the faults to the end of a run, in failure time-outs, and that run's seed.
    public private(set) var slowestRecovery: (failureTimeouts: Double, seed: UInt64) = (0, 0)

    public init() {}

    public mutating func add(_ other: Statistics) {
        runs += other.runs
        events += other.events
        troubles.merge(other.troubles, uniquingKeysWith: +)
        ends.merge(other.ends, uniquingKeysWith: +)
        answers.merge(other.answers, uniquingKeysWith: +)
        slowestRecovery = Self.slower(slowestRecovery, other.slowestRecovery)
    }

    mutating func count(_ trouble: Trouble) { troubles[trouble, default: 0] += 1 }

    mutating func noteRun() { runs += 1 }

    mutating func note(_ outcome: Outcome, recovery: Double, seed: UInt64) {
        let end =
            switch outcome {
            case .finished: "finished"
            case .interrupted: "stopped by a person"
            case .failed(let error) where error.code == .cluster: "gave up for want of workers"
            case .failed(let error) where error.message.contains("differently"): "failed: two workers differed"
            case .failed: "failed with the disk"
            }
        ends[end, default: 0] += 1
        slowestRecovery = Self.slower(slowestRecovery, (recovery, seed))
    }

    mutating func note(_ event: RunEvent) {
        if let name = Self.answer(event) { answers[name, default: 0] += 1 }
    }

    private static func answer(_ event: RunEvent) -> String? {
        switch event {
        case .started: "coordinator starts"
        case .waiting: "waits for workers"
        case .workerJoined: "workers welcomed"
        case .workerRefused: "workers refused"
        case .workerLeft: "workers drained"
        case .quarantined: "workers quarantined"
        case .recomputing(_, _, let reason):
            reason.hasPrefix("no second worker")
                ? "nodes computed here: no second worker" : "nodes computed here: disputed"
        case .workerLost(_, _, "quarantined"): nil
        case .workerLost(_, _, let reason):
            reason.hasPrefix("silent")
                ? "workers lost: silent"
                : reason.hasPrefix("no progress")
                    ? "workers lost: stuck"
                    : reason.hasPrefix("its process") ? "workers lost: seen to end" : "workers lost: failed"
        case .reduction(let members, let reason): members.isEmpty ? noGroup(reason) : "groups formed"
        case .moved: "assignments moved"
        case .copied: "assignments copied"
        case .repeated: "assignments repeated"
        case .dropped(_, _, let reason):
            reason.hasPrefix("overlaps")
                ? "contributions dropped: overlapping"
                : reason.hasPrefix("counted") ? "contributions dropped: second copy" : "contributions dropped: late"
        case .step: "steps"
        case .selected: "selections"
        case .workerReady, .workerDraining, .workerFarSlower, .roundStarted, .finished: nil
        }
    }

    private static func noGroup(_ reason: String) -> String {
        if reason.hasPrefix("a member was lost") { return "groups abandoned: a member was lost" }
        if reason.hasPrefix("no sums") { return "groups abandoned: no sums" }
        if reason.hasPrefix("piece") { return "groups abandoned: summed from something else" }
        if reason.contains("differ about") { return "groups abandoned: two workers differed" }
        if reason.hasPrefix("groups of workers have failed") { return "groups given up for a while" }
        if reason.hasSuffix("would hold the others up") { return "groups not formed: a worker too slow for one" }
        if reason.hasPrefix("tried for") { return "sums by the coordinator tried" }
        if reason.hasPrefix("it is faster") { return "sums by the coordinator were faster" }
        return reason.hasPrefix("a group needs")
            ? "groups not formed: too few workers" : "groups not formed: a worker out of reach"
    }

    private static func slower(_ a: (Double, UInt64), _ b: (Double, UInt64)) -> (Double, UInt64) {
        b.0 > a.0 || (b.0 == a.0 && b.1 < a.1) ? b : a
    }
}
