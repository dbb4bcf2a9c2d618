import Common
import Coordination
import Foundation
import Synchronization

/// events.jsonl: one JSON object a line, in the order in which things happened.
///
/// A line that cannot be written ends the run, as a run without its log could not be compared or resumed. A run that goes
/// on after its coordinator died goes on in the same file: a torn last line is cut off, and a step that is taken again must
/// have the digest that is already there, and is not logged twice.
final class EventLog: Sendable {
    private struct State {
        var handle: FileHandle
        var failure: SelMixError?
        /// Digests of steps that an earlier start logged.
        var logged: [Int: String]
        /// Rounds whose validation an earlier start logged.
        var validated: Set<Int>
    }

    private let path: String
    private let state: Mutex<State>

    /// What ended the log, if anything has.
    var failure: SelMixError? { state.withLock { $0.failure } }

    /// - Parameter resuming: goes on in a file that is there; otherwise makes a new one.
    init(path: String, resuming: Bool) throws {
        self.path = path
        var (logged, validated): ([Int: String], Set<Int>) = ([:], [])
        if resuming {
            (logged, validated) = try Self.mend(path)
        } else if !FileManager.default.createFile(atPath: path, contents: nil) {
            throw SelMixError(.failed, "the event log \(path) cannot be made", cause: String(cString: strerror(errno)))
        }
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw SelMixError(
                .failed, "the event log \(path) cannot be opened", cause: String(cString: strerror(errno)))
        }
        try handle.seekToEnd()
        state = Mutex(State(handle: handle, failure: nil, logged: logged, validated: validated))
    }

    /// Cuts off a torn last line.
    ///
    /// - Returns: the digest of every step, and the rounds, that the log holds.
    private static func mend(_ path: String) throws -> (steps: [Int: String], rounds: Set<Int>) {
        guard let data = FileManager.default.contents(atPath: path) else { return ([:], []) }
        let end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if end < data.count { truncate(path, off_t(end)) }
        struct Line: Decodable {
            var event: String
            var step: Int?
            var round: Int?
            var weightsDigest: String?
        }
        let decoder = JSONDecoder()
        var (steps, rounds): ([Int: String], Set<Int>) = ([:], [])
        for text in data[..<end].split(separator: UInt8(ascii: "\n")) {
            guard let line = try? decoder.decode(Line.self, from: Data(text)) else {
                throw SelMixError(
                    .failed, "the event log \(path) holds a line that is no event",
                    hint: "restore the file, or begin a new run in another `output`")
            }
            if line.event == "step", let step = line.step, let digest = line.weightsDigest { steps[step] = digest }
            if line.event == "validated", let round = line.round { rounds.insert(round) }
        }
        return (steps, rounds)
    }

    /// - Returns: an error when a step that is repeated gave other weights than the log has.
    func append(_ event: RunEvent, trace: StepTrace? = nil, at time: Date) -> SelMixError? {
        if case .step(let result) = event,
            let logged = state.withLock({ $0.logged.removeValue(forKey: result.step.rawValue) })
        {
            if logged == result.digest.description { return nil }
            return SelMixError(
                .failed,
                "step \(result.step) gave weights \(result.digest), but \(logged) before the restart",
                hint: "the data, the program or the processor have changed; begin a new run")
        }
        var line = EventLine(event, time: time)
        if case .step = event, let trace { line.add(trace) }
        return write(line)
    }

    func append(round report: RoundReport, at time: Date) -> SelMixError? {
        if state.withLock({ $0.validated.remove(report.round) }) != nil { return nil }
        return write(RoundLine(time: EventLine.stamp(time), report: report))
    }

    func append(_ line: EventLine) -> SelMixError? { write(line) }

    /// Makes everything so far durable.
    ///
    /// - Returns: the length of the log, in bytes.
    func sync() throws -> UInt64 {
        try state.withLock { state in
            try state.handle.synchronize()
            return try state.handle.offset()
        }
    }

    /// - Returns: why the line could not be written; once, when it first happens.
    private func write(_ line: some Encodable) -> SelMixError? {
        state.withLock { state in
            guard state.failure == nil else { return nil }
            do {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                try state.handle.write(contentsOf: encoder.encode(line) + [UInt8(ascii: "\n")])
            } catch {
                state.failure = SelMixError(
                    .failed, "the event log \(path) cannot be written", hint: "free some disk space",
                    cause: "\(error)")
            }
            return state.failure
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

    static func stamp(_ time: Date) -> String {
        time.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
    }

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
