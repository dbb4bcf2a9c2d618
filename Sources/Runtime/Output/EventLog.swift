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
    /// Workers that an earlier start of the coordinator quarantined.
    let quarantined: [QuarantinedWorker]
    private let state: Mutex<State>

    /// What ended the log, if anything has.
    var failure: SelMixError? { state.withLock { $0.failure } }

    /// - Parameter resuming: goes on in a file that is there; otherwise makes a new one.
    init(path: String, resuming: Bool) throws {
        self.path = path
        var earlier = Earlier()
        if resuming {
            earlier = try Self.mend(path)
        } else if !FileManager.default.createFile(atPath: path, contents: nil) {
            throw SelMixError(.failed, "the event log \(path) cannot be made", cause: String(cString: strerror(errno)))
        }
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw SelMixError(
                .failed, "the event log \(path) cannot be opened", cause: String(cString: strerror(errno)))
        }
        try handle.seekToEnd()
        state = Mutex(State(handle: handle, failure: nil, logged: earlier.steps, validated: earlier.rounds))
        quarantined = earlier.quarantined
    }

    /// What earlier starts of the coordinator logged.
    private struct Earlier {
        /// Digests by step.
        var steps: [Int: String] = [:]
        var rounds: Set<Int> = []
        var quarantined: [QuarantinedWorker] = []
    }

    /// Cuts off a torn last line, and reads the others.
    private static func mend(_ path: String) throws -> Earlier {
        guard let data = FileManager.default.contents(atPath: path) else { return Earlier() }
        let end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        if end < data.count { truncate(path, off_t(end)) }
        struct Line: Decodable {
            var event: String
            var step: Int?
            var round: Int?
            var weightsDigest: String?
            var worker: String?
            var host: String?
            var reason: String?
        }
        let decoder = JSONDecoder()
        var earlier = Earlier()
        for text in data[..<end].split(separator: UInt8(ascii: "\n")) {
            guard let line = try? decoder.decode(Line.self, from: Data(text)) else {
                throw SelMixError(
                    .failed, "the event log \(path) holds a line that is no event",
                    hint: "restore the file, or begin a new run in another `output`")
            }
            if line.event == "step", let step = line.step, let digest = line.weightsDigest {
                earlier.steps[step] = digest
            }
            if line.event == "validated", let round = line.round { earlier.rounds.insert(round) }
            if line.event == "quarantined", let worker = line.worker {
                earlier.quarantined.append(
                    QuarantinedWorker(worker: worker, host: line.host ?? "", reason: line.reason ?? ""))
            }
        }
        return earlier
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
                let text = String(decoding: try encoder.encode(line), as: UTF8.self).printableJSON + "\n"
                try state.handle.write(contentsOf: Data(text.utf8))
            } catch {
                state.failure = SelMixError(
                    .failed, "the event log \(path) cannot be written",
                    hint: (SystemHint.text(for: SelMixError.systemCode(of: error)) ?? "make the file writable")
                        + "; then go on with --resume",
                    cause: SelMixError.systemText(of: error))
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
