import Common
import Coordination
import Foundation

/// What earlier starts of a run's coordinator logged, once it has been seen to be what they logged.
///
/// A log is written line after line, so a process or a machine that dies costs lines at its end at most: of those a torn
/// last one is cut off, and the steps behind the checkpoint are taken again. Whatever else is wrong cannot be mended,
/// because the run does not take the steps before its checkpoint again, and their lines would be missing for ever: a log
/// that is shorter than when the checkpoint was written, or has other lines than then, is refused, and so is one whose
/// steps are not all there.
struct EventHistory {
    /// The checkpoint that the run goes on from.
    struct Checkpoint {
        var name: String
        /// What was durable of the log before it.
        var position: LogPosition
        var nextStep: Int
    }

    /// Digests by step.
    private(set) var steps: [Int: String] = [:]
    /// Rounds whose validation was logged.
    private(set) var rounds: Set<Int> = []
    private(set) var quarantined: [QuarantinedWorker] = []
    /// The end of the last whole line.
    private(set) var end = LogPosition()

    /// A run without a past.
    init() {}

    private struct Line: Decodable {
        var event: String
        var step: Int?
        var round: Int?
        var weightsDigest: String?
        var worker: String?
        var host: String?
        var reason: String?
    }

    /// - Parameters:
    ///   - data: the whole log; what follows its last line feed is left out.
    ///   - path: where it is from, for messages.
    init(_ data: Data, path: String, checkpoint: Checkpoint?) throws {
        let decoder = JSONDecoder()
        var isChecked = checkpoint == nil || checkpoint?.position == end
        var start = data.startIndex
        var number = 0
        while let feed = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
            number += 1
            guard let line = try? decoder.decode(Line.self, from: Data(data[start..<feed])) else {
                throw SelMixError(
                    .failed, "the event log \(path) holds a line that is no event (line \(number))",
                    hint: "restore the file, or begin a new run in another `output`")
            }
            try add(line, number: number, path: path)
            end.advance(over: data[start...feed])
            if end == checkpoint?.position { isChecked = true }
            start = feed + 1
        }
        if let checkpoint, !isChecked { throw difference(from: checkpoint, path: path) }
    }

    private mutating func add(_ line: Line, number: Int, path: String) throws {
        switch line.event {
        case "step":
            guard let step = line.step, let digest = line.weightsDigest else { return }
            guard step == steps.count else {
                throw SelMixError(
                    .failed,
                    step > steps.count
                        ? "the event log \(path) lacks step \(steps.count): line \(number) has step \(step)"
                        : "the event log \(path) has step \(step) again in line \(number)",
                    hint: "restore the file, or begin a new run in another `output`")
            }
            steps[step] = digest
        case "validated":
            if let round = line.round { rounds.insert(round) }
        case "quarantined":
            guard let worker = line.worker else { return }
            quarantined.append(
                QuarantinedWorker(worker: worker, host: line.host ?? "", reason: line.reason ?? ""))
        default: break
        }
    }

    private func difference(from checkpoint: Checkpoint, path: String) -> SelMixError {
        let (there, then) = (end.offset, checkpoint.position.offset)
        let has = "it has \(there) bytes and \(steps.count) steps"
        let had = "when checkpoint \(checkpoint.name) was written it had \(then) bytes and \(checkpoint.nextStep) steps"
        let isCut = there < then
        return SelMixError(
            .failed,
            isCut
                ? "the event log \(path) was cut: \(has), and \(had)"
                : "the event log \(path) was changed: its first \(then) bytes are not those that were there when "
                    + "checkpoint \(checkpoint.name) was written",
            hint: "restore the file"
                + (isCut ? ", or move \(checkpoint.name) away to go on from the checkpoint before it" : "")
                + ", or begin a new run in another `output`")
    }
}
