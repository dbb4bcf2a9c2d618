import Common
import Coordination
import Foundation

/// events.jsonl: one JSON object a line, in the order in which things happened.
///
/// A line that cannot be written ends the run, as a run without its log could not be compared or resumed.
final class EventLog {
    private let handle: FileHandle
    private let path: String
    private let encoder: JSONEncoder
    private(set) var failure: SelMixError?

    init(path: String) throws {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else {
            throw SelMixError(.failed, "the event log \(path) cannot be made", cause: String(cString: strerror(errno)))
        }
        self.handle = handle
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    func append(_ event: RunEvent, at time: Date) {
        write(EventLine(event, time: time))
    }

    func append(round report: RoundReport, at time: Date) {
        write(RoundLine(time: EventLine.stamp(time), report: report))
    }

    private func write(_ line: some Encodable) {
        guard failure == nil else { return }
        do {
            try handle.write(contentsOf: encoder.encode(line) + [UInt8(ascii: "\n")])
        } catch {
            failure = SelMixError(
                .failed, "the event log \(path) cannot be written", hint: "free some disk space", cause: "\(error)")
        }
    }

    private struct RoundLine: Encodable {
        var time: String
        var event = "validated"
        var report: RoundReport

        func encode(to encoder: any Encoder) throws {
            enum Key: CodingKey { case time, event }
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(time, forKey: .time)
            try container.encode(event, forKey: .event)
            try report.encode(to: encoder)
        }
    }
}

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
    var round: Int?
    var selection: String?
    var step: Int?
    var weightsDigest: String?
    var loss: Double?
    var outcome: String?

    static func stamp(_ time: Date) -> String {
        time.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
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
            .workerLost(let name, let incarnation, let reason):
            (worker, self.incarnation, self.reason) = (name, incarnation.description, reason)
        case .moved(let shards, let work, let name):
            (self.shards, self.work, worker) = (shards.map(\.rawValue), work.description, name)
        case .repeated(let assignment, let name):
            (shards, work, worker) = (assignment.shards.map(\.rawValue), assignment.work.description, name)
        case .dropped(let contribution, let name, let reason):
            (node, work) = (contribution.node.description, contribution.work.description)
            (worker, self.reason) = (name, reason)
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
        case .workerLeft: "worker-left"
        case .workerLost: "worker-lost"
        case .moved: "moved"
        case .repeated: "repeated"
        case .dropped: "dropped"
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
