import Common
import Foundation
import Testing

@testable import Coordination

@Suite struct RejectionTests {
    @Test func countsAreAnObjectOfReasons() throws {
        var counts = RejectionCounts()
        counts.add(.unlistedKey, count: 3)
        counts.add(.malformed)
        counts.add(.otherRun, count: 0)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(counts), as: UTF8.self)
        #expect(text == #"{"malformed":1,"unlisted-key":3}"#)
        #expect(try JSONDecoder().decode(RejectionCounts.self, from: Data(text.utf8)) == counts)
        #expect(counts.total == 4)
        #expect(counts.entries.map(\.rejection) == [.unlistedKey, .malformed])
    }

    @Test(arguments: [
        ("gpu1", "gpu1", true), ("gpu1", "gpu1/0", true), ("gpu1", "gpu1/", true), ("gpu1", "gpu10", false),
        ("gpu1", "gpu1-0", false), ("gpu1", "gpu", false), ("gpu1", "", false), ("gpu1", "gpu2/gpu1", false),
    ])
    func aKeySpeaksForItsWorkers(key: String, worker: String, speaks: Bool) throws {
        #expect(try #require(KeyName(key)).speaks(for: worker) == speaks)
    }

    @Test(arguments: ["", ".", "..", ".hidden", "-x", "a/b", "a b", "ä", "a\0", String(repeating: "a", count: 65)])
    func otherTextsAreNoKeyNames(text: String) { #expect(KeyName(text) == nil) }

    @Test(arguments: [("n1.example.org/3", "n1.example.org"), ("x", "x"), ("/x", nil), ("", nil)])
    func theKeyOfAWorker(worker: String, key: String?) { #expect(KeyName(ofWorker: worker)?.text == key) }
}

/// What the coordinator says of messages that do not belong.
@Suite struct BelongingTests {
    @Test func whatDoesNotBelongIsNamed() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.join(2)
        let beat = WorkerMessage.heartbeat(Heartbeat(phase: .loading, blocks: 0, weights: nil, holding: []))
        #expect(driver.core.rejection(of: beat, driver.header(1)) == nil)
        #expect(driver.core.rejection(of: beat, driver.header(1, name: "w2")) == .otherSender)
        #expect(
            driver.core.rejection(of: .hello(CoordinatorDriver.hello), driver.header(1, name: "w3")) == .otherSender)
        #expect(driver.core.rejection(of: beat, driver.header(3)) == .unknownLife)
        #expect(driver.core.rejection(of: beat, driver.header(1, epoch: 9)) == .otherRun)
        #expect(driver.core.rejection(of: beat, driver.header(1, runID: RunID(high: 5, low: 5))) == .otherRun)
        #expect(driver.core.rejection(of: .hello(CoordinatorDriver.hello), driver.header(7, runID: nil)) == nil)
    }

    /// Another worker under a known incarnation neither answers for it nor keeps it alive, and gets no answer.
    @Test func nobodySpeaksUnderAnothersIncarnation() throws {
        var driver = try CoordinatorDriver()
        driver.join(1)
        driver.join(2)
        driver.now = driver.now + .milliseconds(1500)
        driver.beat(1)
        let leaving = driver.step(.received(.leaving(reason: "go"), driver.header(2, name: "w1")))
        #expect(leaving.isEmpty)
        let beat = Heartbeat(phase: .ready(probe: CoordinatorDriver.probe), blocks: 9, weights: nil, holding: [])
        #expect(driver.step(.received(.heartbeat(beat), driver.header(2, name: "w1"))).isEmpty)
        let lost = driver.pass(.milliseconds(600)).records
        #expect(
            lost.contains { if case .workerLost("w2", _, _) = $0 { true } else { false } }, "its lease was not renewed")
        #expect(!lost.contains { if case .workerLost("w1", _, _) = $0 { true } else { false } })
    }
}
