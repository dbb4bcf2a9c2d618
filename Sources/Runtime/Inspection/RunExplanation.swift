import Common
import Coordination

/// What happened in a run, per worker and per step: who contributed, who was waited for, who died.
public struct RunExplanation: Sendable, Encodable {
    public struct Worker: Sendable, Encodable {
        public var name: String
        /// Steps that it contributed to.
        public var steps = 0
        /// Steps in which its contribution was the last, and for how many seconds altogether after the first.
        public var waitedFor = 0
        public var waitedSeconds = 0.0
        /// Times that it joined, was lost (with the reasons), or left.
        public var joined = 0
        public var lost: [String] = []
        public var left = 0
        /// Why nothing is taken from it any more, if it computed wrongly.
        public var quarantined: String?
    }

    public struct Step: Sendable, Encodable {
        public var step: Int
        /// Tree nodes by worker.
        public var by: [String: [String]]
        public var waitedFor: String
        public var waitedSeconds: Double
    }

    public var workers: [Worker]
    public var steps: [Step]
    /// Deaths, moves, repeats, restarts and the like, in order, in words.
    public var incidents: [String]

    /// - Parameter run: a run's output directory.
    public init(run: String) throws {
        let log = try RunLog(run: run)
        var workers: [String: Worker] = [:]
        var last = -1
        steps = []
        incidents = []
        for event in log.events {
            let name = event.worker ?? ""
            switch event.event {
            case "step":
                last = event.step ?? last
                for giver in event.by?.keys.sorted() ?? [] { workers[giver, default: Worker(name: giver)].steps += 1 }
                let (waitedFor, waited) = (event.waitedFor ?? "", event.waited ?? 0)
                if event.by?.count ?? 0 > 1 {
                    workers[waitedFor, default: Worker(name: waitedFor)].waitedFor += 1
                    workers[waitedFor, default: Worker(name: waitedFor)].waitedSeconds += waited
                }
                steps.append(Step(step: last, by: event.by ?? [:], waitedFor: waitedFor, waitedSeconds: waited))
            case "worker-joined": workers[name, default: Worker(name: name)].joined += 1
            case "worker-left": workers[name, default: Worker(name: name)].left += 1
            case "worker-lost": workers[name, default: Worker(name: name)].lost.append(event.reason ?? "")
            case "quarantined": workers[name, default: Worker(name: name)].quarantined = event.reason
            default: break
            }
            if let incident = Self.told(event) { incidents.append("\(event.time)  after step \(last): \(incident)") }
        }
        self.workers = workers.values.sorted { $0.name < $1.name }
    }

    private static func told(_ event: RunLog.Event) -> String? {
        let (name, reason) = (event.worker ?? "", event.reason ?? "")
        let shards = (event.shards ?? []).map(String.init).joined(separator: ", ")
        return switch event.event {
        case "worker-joined": "\(name) joined from \(event.host ?? "")"
        case "worker-lost": "\(name) was given up: \(reason)"
        case "worker-left": "\(name) left"
        case "worker-draining": "\(name) is leaving: \(reason)"
        case "worker-refused": "\(name) was refused: \(reason)"
        case "moved": "shards \(shards) of \(event.work ?? "") went to \(name)"
        case "copied": "shards \(shards) of \(event.work ?? "") were computed by \(name) too: \(reason)"
        case "repeated": "shards \(shards) of \(event.work ?? "") were sent to \(name) again"
        case "dropped": "a contribution of \(name) was dropped: \(reason)"
        case "quarantined": "\(name) on \(event.host ?? "") was quarantined: \(reason)"
        case "recomputing": "the coordinator computed \(event.node ?? "") of \(event.work ?? "") itself: \(reason)"
        case "reduction":
            (event.members ?? []).isEmpty
                ? "the coordinator summed the gradients: \(reason)"
                : "the gradients were summed by \((event.members ?? []).joined(separator: ", "))"
        case "waiting": "waiting: \(reason)"
        case "resumed": "the coordinator went on from round \(event.round ?? 0)"
        case "checkpoint-failed", "checkpoint-refused": reason
        case "finished": "the run ended: \(event.outcome ?? "")\(reason.isEmpty ? "" : ", \(reason)")"
        default: nil
        }
    }
}
