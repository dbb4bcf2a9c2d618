import Common
import Coordination
import Foundation
import Synchronization

/// events.jsonl: one JSON object a line, in the order in which things happened.
///
/// A line that cannot be written ends the run, as a run without its log could not be compared or resumed. A run that goes
/// on after its coordinator died goes on in the same file, once that has been seen to be what was written
/// (``EventHistory``): a torn last line is cut off, and a step that is taken again must have the digest that is already
/// there, and is not logged twice.
final class EventLog: Sendable {
    private struct State {
        /// Nil until ``open()``.
        var handle: FileHandle?
        /// What has been written.
        var position: LogPosition
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

    /// Reads what is there, and changes nothing.
    ///
    /// - Parameters:
    ///   - resuming: goes on in a file that is there; otherwise ``open()`` makes a new one.
    ///   - checkpoint: where the run goes on, which the file has to agree with.
    init(path: String, resuming: Bool, from checkpoint: EventHistory.Checkpoint? = nil) throws {
        self.path = path
        var earlier = EventHistory()
        if resuming {
            let data = try FileManager.default.fileExists(atPath: path) ? Self.read(path) : Data()
            earlier = try EventHistory(data, path: path, checkpoint: checkpoint)
        }
        quarantined = earlier.quarantined
        state = Mutex(State(position: earlier.end, logged: earlier.steps, validated: earlier.rounds))
    }

    private static func read(_ path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw SelMixError(
                .failed, "the event log \(path) cannot be read", cause: SelMixError.systemText(of: error))
        }
    }

    /// Makes the file, or cuts off what was torn at the end of the one that is there; nothing is logged before.
    func open() throws {
        try state.withLock { state in
            let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0, ftruncate(descriptor, off_t(state.position.offset)) == 0,
                lseek(descriptor, 0, SEEK_END) >= 0
            else {
                let cause = String(cString: strerror(errno))
                if descriptor >= 0 { close(descriptor) }
                throw SelMixError(.failed, "the event log \(path) cannot be opened", cause: cause)
            }
            state.handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
            // A machine that dies must not lose the file's name, with checkpoints there that count on it.
            try CheckpointStore.sync(directory: URL(fileURLWithPath: path).deletingLastPathComponent().path)
        }
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
    /// - Returns: how far that is.
    func sync() throws -> LogPosition {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            try state.handle?.synchronize()
            return state.position
        }
    }

    /// - Returns: why the line could not be written; once, when it first happens.
    private func write(_ line: some Encodable) -> SelMixError? {
        state.withLock { state in
            guard state.failure == nil else { return nil }
            do {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let bytes = Array((String(decoding: try encoder.encode(line), as: UTF8.self).printableJSON + "\n").utf8)
                guard let handle = state.handle else { preconditionFailure("an event before the log is opened") }
                try handle.write(contentsOf: bytes)
                state.position.advance(over: bytes)
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
