import Common
import Foundation
import SelMix
import Testing

@testable import Runtime

/// What a run's TensorBoard files hold, over several starts.
@Suite struct TensorBoardLogTests {
    final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-tb-\(UUID().uuidString)").path
        deinit { try? FileManager.default.removeItem(atPath: path) }

        var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
        func file(_ epoch: Int) -> String { path + "/events.out.tfevents.00000\(epoch).selmix" }

        func log(_ epoch: UInt64) throws -> TensorBoardLog {
            try TensorBoardLog(folder: path, epoch: epoch, at: Date(timeIntervalSince1970: 5))
        }

        /// "tag@step" of everything, in order.
        func marks() throws -> [String] {
            try TensorBoardLog.marks(in: path).flatMap { mark in mark.tags.map { "\($0)@\(mark.step)" } }
        }
    }

    static func report(_ round: Int) throws -> RoundReport {
        let counts = ConfusionCounts(classes: 2)
        let metrics = Metrics(counts, split: try ClassSplit(trainCounts: [3, 1], tailFraction: 0.5))
        return RoundReport(round: round, objective: 0.5, metrics: metrics, loss: nil)
    }

    @Test func aRestartLeavesOutWhatIsThere() throws {
        let folder = Folder()
        let first = try folder.log(1)
        for step in 0..<4 { #expect(first.append(loss: 1, step: step, at: Date()) == nil) }
        for round in 0..<2 { #expect(try first.append(Self.report(round), recalls: [0.5, nil], at: Date()) == nil) }
        // A process that died while it wrote.
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder.file(1)))
        try whole.dropLast(5).write(to: URL(fileURLWithPath: folder.file(1)))

        let second = try folder.log(2)
        for step in 2..<6 { #expect(second.append(loss: 1, step: step, at: Date()) == nil) }
        for round in 0..<3 { #expect(try second.append(Self.report(round), recalls: [0.5, nil], at: Date()) == nil) }
        #expect(folder.names.count == 2)
        let marks = try folder.marks()
        #expect(marks.filter { $0.hasPrefix("training/loss@") } == (0..<6).map { "training/loss@\($0)" })
        #expect(marks.filter { $0.hasPrefix("validation/recall@") } == (0..<3).map { "validation/recall@\($0)" })
        #expect(!marks.contains { $0.hasPrefix("selection/largestGain") })
    }

    @Test func aFileThatCannotBeMadeIsToldWithAWayOut() throws {
        let folder = Folder()
        try Data().write(to: URL(fileURLWithPath: folder.path))
        let error = #expect(throws: SelMixError.self) { try folder.log(1) }
        #expect(error?.hint?.contains("tensorBoard=false") == true)
    }

    @Test func sharesFallIntoTheirBuckets() throws {
        let histogram = try #require(ValueHistogram(shares: [0.1, 0.1, 0.24, 0.9, 0.12]))
        #expect(histogram.min == 0.1 && histogram.max == 0.9 && histogram.count == 5)
        #expect(abs(histogram.sum - 1.46) < 1e-12 && abs(histogram.sumOfSquares - 0.9020) < 1e-12)
        #expect(histogram.counts.first == 3 && histogram.counts.last == 1 && histogram.counts.count == 17)
        #expect(histogram.counts.reduce(0, +) == 5 && histogram.counts[3] == 1)
        #expect(histogram.limits.first == 0.125 && histogram.limits.last == 0.925)
        #expect(histogram.limits == histogram.limits.sorted())
        #expect(ValueHistogram(shares: []) == nil)
        let ends = try #require(ValueHistogram(shares: [0, 1]))
        #expect(ends.counts.count == 21 && ends.limits.first == 0.025 && ends.limits.last == 1.025)
    }

    @Test func garbageIsNoEvent() {
        for seed in UInt8(0)..<200 {
            let bytes = (0..<40).map { UInt8(truncatingIfNeeded: Int(seed) * 31 + $0 * $0 * 7 + Int(seed) * $0) }
            _ = TensorBoardMark(decoding: bytes[...])
        }
        let event = TensorBoardEvent(
            time: 1, step: 7,
            content: .values([.init(tag: "a/b", kind: .scalar(2)), .init(tag: "c", kind: .scalar(3))]))
        let bytes = event.encoded()
        let mark = TensorBoardMark(decoding: bytes[...])
        #expect(mark?.step == 7 && mark?.tags == ["a/b", "c"])
        #expect(TensorBoardMark(decoding: bytes.dropLast(3)) == nil)
    }
}
