import Common
import Coordination
import Foundation

/// A line of the event log; which fields are there depends on the event.
struct EventLine: Encodable {
    var time: String
    var event: String
    var epoch: UInt64?
    var worker: String?
    var incarnation: String?
    var host: String?
    var processID: Int32?
    var version: String?
    var instructionSet: String?
    var reason: String?
    var work: String?
    var shards: [Int]?
    var node: String?
    /// Of a contribution that was wrong, and of the right one.
    var digest: String?
    var expected: String?
    /// Who sums the gradients among themselves; empty: the coordinator.
    var members: [String]?
    var round: Int?
    var selection: String?
    var step: Int?
    var weightsDigest: String?
    var loss: Double?
    var outcome: String?
    /// Tree nodes by worker.
    var by: [String: [String]]?
    /// Whose contribution came last, and seconds after the first.
    var waitedFor: String?
    var waited: Double?
    /// Digest of each shard's gradient and of each tensor, where they are traced.
    var shardDigests: [String]?
    var tensorDigests: [String: String]?

    mutating func add(_ trace: StepTrace) {
        by = trace.contributors
        waitedFor = trace.waitedFor
        waited = (trace.waited.seconds * 1e6).rounded() / 1e6
        if !trace.shards.isEmpty { shardDigests = trace.shards }
        if !trace.tensors.isEmpty { tensorDigests = trace.tensors }
    }

    /// ISO 8601 in UTC, with the zone, to the millisecond.
    static let stampFormat = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    static func stamp(_ time: Date) -> String { time.formatted(stampFormat) }

    init(name: String, time: Date, reason: String? = nil, round: Int? = nil) {
        self.time = Self.stamp(time)
        event = name
        self.reason = reason
        self.round = round
    }

    init(_ event: RunEvent, time: Date) {
        self.time = Self.stamp(time)
        self.event = event.name
        switch event {
        case .started(let epoch): self.epoch = epoch.rawValue
        case .waiting(let reason): self.reason = reason
        case .workerJoined(let name, let incarnation, let hello):
            (worker, self.incarnation) = (name, incarnation.description)
            (host, processID, version) = (hello.host, hello.processID, hello.version)
            instructionSet = hello.instructionSet
        case .workerReady(let name, let incarnation), .workerLeft(let name, let incarnation):
            (worker, self.incarnation) = (name, incarnation.description)
        case .workerRefused(let name, let incarnation, let reason),
            .workerDraining(let name, let incarnation, let reason),
            .workerFarSlower(let name, let incarnation, let reason),
            .workerLost(let name, let incarnation, let reason):
            (worker, self.incarnation, self.reason) = (name, incarnation.description, reason)
        case .moved(let shards, let work, let name):
            (self.shards, self.work, worker) = (shards.map(\.rawValue), work.description, name)
        case .copied(let shards, let work, let straggler, let name):
            (self.shards, self.work, worker) = (shards.map(\.rawValue), work.description, name)
            reason = "\(straggler) is slow"
        case .reduction(let members, let reason):
            self.members = members
            if !reason.isEmpty { self.reason = reason }
        case .repeated(let assignment, let name):
            (shards, work, worker) = (assignment.shards.map(\.rawValue), assignment.work.description, name)
        case .dropped(let contribution, let name, let reason):
            (node, work) = (contribution.node.description, contribution.work.description)
            (worker, self.reason) = (name, reason)
        case .recomputing(let node, let work, let reason):
            (self.node, self.work, self.reason) = (node.description, work.description, reason)
            shards = node.shards.map(\.rawValue)
        case .quarantined(let quarantine):
            (worker, incarnation) = (quarantine.worker, quarantine.incarnation.description)
            (host, reason) = (quarantine.host, quarantine.reason)
            (node, work) = (quarantine.node.description, quarantine.work.description)
            shards = quarantine.node.shards.map(\.rawValue)
            switch quarantine.work {
            case .validate(let round): self.round = round.rawValue
            case .train(let step): self.step = step.rawValue
            }
            (digest, expected) = (quarantine.digest.description, quarantine.expected.description)
        case .roundStarted(let round): self.round = round.rawValue
        case .selected(let selection):
            (round, self.selection) = (selection.round.rawValue, selection.digest.description)
        case .step(let result):
            (step, weightsDigest, loss) = (result.step.rawValue, result.digest.description, result.loss)
        case .finished(let outcome):
            self.outcome = outcome.name
            reason = outcome.reason
        }
    }
}

extension RunEvent {
    /// The `event` field of the event log.
    var name: String {
        switch self {
        case .started: "started"
        case .waiting: "waiting"
        case .workerJoined: "worker-joined"
        case .workerReady: "worker-ready"
        case .workerRefused: "worker-refused"
        case .workerDraining: "worker-draining"
        case .workerFarSlower: "worker-far-slower"
        case .workerLeft: "worker-left"
        case .workerLost: "worker-lost"
        case .moved: "moved"
        case .copied: "copied"
        case .reduction: "reduction"
        case .repeated: "repeated"
        case .dropped: "dropped"
        case .recomputing: "recomputing"
        case .quarantined: "quarantined"
        case .roundStarted: "round"
        case .selected: "selected"
        case .step: "step"
        case .finished: "finished"
        }
    }
}

extension Outcome {
    var name: String {
        switch self {
        case .finished: "finished"
        case .interrupted: "interrupted"
        case .failed: "failed"
        }
    }

    var reason: String? {
        switch self {
        case .finished: nil
        case .interrupted(let reason): reason
        case .failed(let error): error.description
        }
    }
}
