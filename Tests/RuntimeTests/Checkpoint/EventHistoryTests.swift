import Common
import Foundation
import Testing

@testable import Runtime

/// A log from which a run goes on: what a crash does to its end is mended, whatever else happened to it is refused.
@Suite struct EventHistoryTests {
    /// A log of some rounds with other events between the steps, drawn from a seed, and where the checkpoints stood.
    struct Written {
        var lines: [String] = []
        var checkpoints: [EventHistory.Checkpoint] = []
        var data: Data { Data(lines.joined().utf8) }

        init(seed: UInt64) {
            let philox = Philox(seed: seed)
            func draw(_ slot: Int, below bound: UInt64) -> Int {
                Int(philox.block(.probe, index: 0, slot: slot).low % bound)
            }
            var position = LogPosition()
            func add(_ line: String) {
                lines.append(line + "\n")
                position.advance(over: Array((line + "\n").utf8))
            }
            let perRound = 1 + draw(0, below: 4)
            for step in 0..<perRound * (1 + draw(1, below: 4)) {
                for _ in 0..<draw(2 + step, below: 3) { add("{\"event\":\"moved\",\"worker\":\"w\(step)\"}") }
                add("{\"event\":\"step\",\"step\":\(step),\"weightsDigest\":\"d\(step)\"}")
                if (step + 1).isMultiple(of: perRound) {
                    checkpoints.append(.init(name: "round-\(step)", position: position, nextStep: step + 1))
                    add("{\"event\":\"validated\",\"round\":\(step / perRound)}")
                }
            }
        }

        func history(_ data: Data, from checkpoint: EventHistory.Checkpoint?) throws -> EventHistory {
            try EventHistory(data, path: "events.jsonl", checkpoint: checkpoint)
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func cutAnywhere(seed: UInt64) throws {
        let written = Written(seed: seed)
        let data = written.data
        for checkpoint in written.checkpoints {
            for length in 0...data.count {
                let cut = data.prefix(length)
                guard length >= checkpoint.position.offset else {
                    let error = #expect(throws: SelMixError.self) { try written.history(cut, from: checkpoint) }
                    #expect(error?.message.contains("was cut: it has") == true, "\(error?.message ?? "")")
                    continue
                }
                // Behind the checkpoint it is mended, up to the last whole line.
                let history = try written.history(cut, from: checkpoint)
                #expect(history.end.offset >= checkpoint.position.offset)
                #expect(Int(history.end.offset) == (cut.lastIndex(of: 10).map { $0 + 1 } ?? 0))
                #expect(history.steps.count >= checkpoint.nextStep)
            }
        }
    }

    /// The same bits, or none: an edit that leaves every line an event is seen too.
    @Test(arguments: UInt64(0)..<40)
    func changedAnywhere(seed: UInt64) throws {
        let written = Written(seed: seed)
        let last = try #require(written.checkpoints.last)
        let data = written.data
        for index in 0..<Int(last.position.offset) {
            var changed = data
            changed[index] ^= 1
            #expect(throws: SelMixError.self, "byte \(index)") { try written.history(changed, from: last) }
        }
    }

    @Test(arguments: UInt64(0)..<40)
    func aLineTakenOut(seed: UInt64) throws {
        let written = Written(seed: seed)
        for index in written.lines.indices {
            var fewer = written
            let gone = fewer.lines.remove(at: index)
            let isLastStep = !fewer.lines[index...].contains { $0.contains("\"step\"") }
            // Without a checkpoint there is nothing to compare with but the steps' own order.
            guard gone.contains("\"step\""), !isLastStep else { continue }
            let error = #expect(throws: SelMixError.self) { try written.history(fewer.data, from: nil) }
            #expect(error?.message.contains("lacks step") == true)
            var twice = written
            twice.lines.insert(gone, at: index)
            let again = #expect(throws: SelMixError.self) { try written.history(twice.data, from: nil) }
            #expect(again?.message.contains("again in line") == true)
        }
    }

    @Test func aLogGoesOnWhereItEnded() throws {
        let folder = try CheckpointTests.Folder()
        let path = folder.path + "/events.jsonl"
        let first = try EventLog(path: path, resuming: false)
        #expect(!FileManager.default.fileExists(atPath: path))
        try first.open()
        #expect(first.append(EventLine(name: "one", time: Date(timeIntervalSince1970: 0))) == nil)
        let position = try first.sync()
        let file = try String(contentsOfFile: path, encoding: .utf8)
        #expect(file == "{\"event\":\"one\",\"time\":\"1970-01-01T00:00:00.000Z\"}\n")
        try (file + "{\"event\":\"tor").write(toFile: path, atomically: true, encoding: .utf8)

        let checkpoint = EventHistory.Checkpoint(name: "round-1", position: position, nextStep: 0)
        let second = try EventLog(path: path, resuming: true, from: checkpoint)
        // Looking changes nothing.
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasSuffix("tor"))
        try second.open()
        #expect(try second.sync() == position)
        #expect(second.append(EventLine(name: "two", time: Date(timeIntervalSince1970: 1))) == nil)
        var expected = position
        expected.advance(over: Array("{\"event\":\"two\",\"time\":\"1970-01-01T00:00:01.000Z\"}\n".utf8))
        #expect(try second.sync() == expected)
    }
}
