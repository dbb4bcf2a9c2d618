import Common
import Foundation
import SelMix

/// The `tensorboard` folder of a run: objective, metrics and gains by round, the spread of recalls, the loss of every step.
///
/// Every start of a run's coordinator writes a file of its own, and files are read in the order of their names, so the
/// name begins with the epoch. Rounds and steps that earlier files have are repeated with the same values when a run goes
/// on; they are left out. A file that cannot be written is told once, and the run goes on without.
final class TensorBoardLog {
    enum Tag {
        static let loss = "training/loss"
        static let recall = "validation/recall"
        static let objective = "validation/objective"
    }

    private let path: String
    private let handle: FileHandle
    private var failed = false
    /// The last ones that earlier files have.
    private var round = -1
    private var step = -1

    /// - Parameters:
    ///   - folder: made if it is not there.
    ///   - epoch: which start of the run's coordinator this is.
    init(folder: String, epoch: UInt64, at time: Date) throws {
        let digits = String(epoch)
        let name = "events.out.tfevents." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        path = "\(folder)/\(name).selmix"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: path))
            handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        } catch {
            throw SelMixError(
                .failed, "the TensorBoard file \(path) cannot be made",
                hint: "make room for it, or leave it out with --set tensorBoard=false",
                cause: SelMixError.systemText(of: error))
        }
        for mark in try Self.marks(in: folder) {
            if mark.tags.contains(Tag.objective) { round = max(round, mark.step) }
            if mark.tags.contains(Tag.loss) { step = max(step, mark.step) }
        }
        if let error = append(
            TensorBoardEvent(time: time.timeIntervalSince1970, step: 0, content: .version("brain.Event:2")))
        {
            throw error
        }
    }

    /// What the folder's files have, up to the first damage in each.
    static func marks(in folder: String) throws -> [TensorBoardMark] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("tfevents") }.sorted()
            .flatMap { name in
                let file = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
                return EventRecord.contents(of: Array(file)).compactMap(TensorBoardMark.init(decoding:))
            }
    }

    /// - Returns: why it cannot be written, when that first happens.
    func append(_ report: RoundReport, recalls: [Double?], at time: Date) -> SelMixError? {
        guard report.round > round else { return nil }
        var values = report.figures.map { TensorBoardEvent.Value(tag: $0.tag, kind: .scalar(Float($0.value))) }
        if let histogram = ValueHistogram(shares: recalls.compactMap { $0 }) {
            values.append(.init(tag: Tag.recall, kind: .histogram(histogram)))
        }
        return append(.init(time: time.timeIntervalSince1970, step: report.round, content: .values(values)))
    }

    func append(loss: Double, step: Int, at time: Date) -> SelMixError? {
        guard step > self.step else { return nil }
        return append(
            .init(
                time: time.timeIntervalSince1970, step: step,
                content: .values([.init(tag: Tag.loss, kind: .scalar(Float(loss)))])))
    }

    private func append(_ event: TensorBoardEvent) -> SelMixError? {
        guard !failed else { return nil }
        do {
            try handle.write(contentsOf: EventRecord.framed(event.encoded()))
            return nil
        } catch {
            failed = true
            return SelMixError(
                .failed, "the TensorBoard file \(path) cannot be written", cause: SelMixError.systemText(of: error))
        }
    }
}

extension RoundReport {
    /// Every figure with its tag; those that the round does not have are left out.
    fileprivate var figures: [(tag: String, value: Double)] {
        let all: [(String, Double?)] = [
            (TensorBoardLog.Tag.objective, objective), ("validation/accuracy", accuracy),
            ("validation/meanRecall", meanRecall), ("validation/minRecall", minRecall), ("validation/gMean", gMean),
            ("validation/hMean", hMean), ("validation/headRecall", headRecall), ("validation/tailRecall", tailRecall),
            ("validation/minCoverage", minCoverage), ("validation/objectiveChange", objectiveChange),
            ("selection/largestGain", largestGain), ("selection/expectedGain", expectedGain),
            ("selection/positivePairs", positivePairs.map { Double($0) }),
            ("selection/emptyPseudoClasses", emptyPseudoClasses.map { Double($0) }), ("training/roundLoss", loss),
        ]
        return all.compactMap { tag, value in value.map { (tag, $0) } }
    }
}
