import Common
import Testing

@testable import Coordination

/// What a worker asks for, in which order, and when it gives up.
@Suite struct StagingSessionTests {
    /// A session, its files, and a disk and a coordinator that do what the test says.
    private struct Driver {
        var session = StagingSession(retryInterval: .seconds(4))
        var now = Instant.origin
        var asked: [ChunkID] = []

        mutating func step(_ event: StagingEvent) -> [StagingDirective] {
            let directives = session.step(event, at: now)
            for case .request(let chunk) in directives { asked.append(chunk) }
            return directives
        }

        mutating func pass(_ duration: Duration) -> [StagingDirective] {
            now = now + duration
            return step(.tick)
        }

        /// Chunks arrive and are written, until nothing more is asked for.
        mutating func deliver(damaged: (ChunkID) -> Bool = { _ in false }) -> [StagingDirective] {
            var others: [StagingDirective] = []
            while !asked.isEmpty {
                let chunk = asked.removeFirst()
                for directive in step(.received(chunk)) {
                    if case .write(let chunk) = directive {
                        others += step(.written(chunk, isGood: !damaged(chunk)))
                    } else {
                        others.append(directive)
                    }
                }
            }
            return others.filter { if case .request = $0 { false } else { true } }
        }
    }

    /// A file of so many chunks, the last of them short.
    private func file(chunks: Int) -> StagedFile {
        StagedFile(
            byteCount: (chunks - 1) * StagedFile.chunkBytes + 10, digest: Digest(rawValue: UInt64(chunks)),
            chunkDigests: (0..<chunks).map { Digest(rawValue: UInt64($0)) })!
    }

    private func started(_ files: [StagedFile]) -> Driver {
        var driver = Driver()
        #expect(driver.step(.started) == [.askForList])
        #expect(driver.step(.listed(files)) == [.inspect(Array(files.indices))])
        return driver
    }

    @Test func whatIsThereIsNotFetched() {
        var driver = started([file(chunks: 3), file(chunks: 1)])
        #expect(driver.step(.inspected([0: .whole, 1: .whole])) == [.finish])
        #expect(driver.session.nextDeadline == nil)
        #expect(driver.pass(.seconds(100)).isEmpty)
        #expect(driver.session.progress.totalBytes == 0)
    }

    @Test func whatIsMissingIsFetchedInOrderAndWithAWindow() {
        var driver = started([file(chunks: 20), file(chunks: 2)])
        let first = driver.step(.inspected([0: .partial(missing: Array(5..<20)), 1: .partial(missing: [0, 1])]))
        #expect(first.count == StagingSession.window)
        #expect(
            driver.asked.allSatisfy { $0.file == 0 } || driver.asked.map(\.file) == driver.asked.map(\.file).sorted())
        #expect(driver.session.progress.totalBytes == UInt64(14 + 1) * UInt64(StagedFile.chunkBytes) + 20)
        // An arrival that is not written yet is still under way.
        let chunk = driver.asked.removeFirst()
        #expect(driver.step(.received(chunk)) == [.write(chunk)])
        #expect(driver.step(.written(chunk, isGood: true)).count == 1)
        let rest = driver.deliver()
        #expect(Set(rest.map { "\($0)" }) == Set(["\(StagingDirective.seal(0))", "\(StagingDirective.seal(1))"]))
        #expect(driver.session.progress.doneBytes == driver.session.progress.totalBytes)
        #expect(driver.step(.sealed(0, isGood: true)).isEmpty)
        #expect(driver.step(.sealed(1, isGood: true)) == [.finish])
    }

    @Test func anInterruptedFileNeedsItsRestAlone() {
        var driver = started([file(chunks: 4)])
        #expect(driver.step(.inspected([0: .partial(missing: [2])])) == [.request(ChunkID(file: 0, chunk: 2))])
        #expect(driver.deliver() == [.seal(0)])
    }

    @Test func aFileThatLacksNothingIsSealed() {
        var driver = started([file(chunks: 4)])
        #expect(driver.step(.inspected([0: .partial(missing: [])])) == [.seal(0)])
    }

    @Test func theListIsAskedForAgain() {
        var driver = Driver()
        _ = driver.step(.started)
        #expect(driver.pass(.seconds(3)).isEmpty)
        #expect(driver.pass(.seconds(1)) == [.askForList])
        #expect(driver.step(.listed([file(chunks: 1)])).count == 1)
        #expect(driver.step(.listed([file(chunks: 2)])).isEmpty, "a second answer")
    }

    @Test func whatDoesNotArriveIsAskedForAgain() {
        var driver = started([file(chunks: 3)])
        _ = driver.step(.inspected([0: .partial(missing: [0, 1, 2])]))
        driver.asked = []
        _ = driver.step(.received(ChunkID(file: 0, chunk: 1)))
        _ = driver.step(.written(ChunkID(file: 0, chunk: 1), isGood: true))
        #expect(driver.pass(.seconds(3)).isEmpty)
        let again = driver.pass(.seconds(1))
        #expect(again == [.request(ChunkID(file: 0, chunk: 0)), .request(ChunkID(file: 0, chunk: 2))])
        #expect(driver.session.nextDeadline == driver.now + .seconds(4))
        // The first answer came late after all; it counts once.
        #expect(driver.step(.received(ChunkID(file: 0, chunk: 0))).count == 1)
        #expect(driver.step(.received(ChunkID(file: 0, chunk: 0))).isEmpty)
    }

    @Test func aDamagedChunkIsFetchedAgainButNotForEver() {
        var driver = started([file(chunks: 3)])
        _ = driver.step(.inspected([0: .partial(missing: [0, 1, 2])]))
        var failures = 0
        let once = driver.deliver { chunk in
            failures += chunk.chunk == 1 ? 1 : 0
            return chunk.chunk == 1 && failures < 3
        }
        #expect(once == [.seal(0)])
        var other = started([file(chunks: 3)])
        _ = other.step(.inspected([0: .partial(missing: [0, 1, 2])]))
        guard case .fail(let error)? = other.deliver(damaged: { $0.chunk == 1 }).last else {
            Issue.record("it goes on")
            return
        }
        #expect(error.message.contains("chunk 1 of file 0 arrived damaged 3 times"))
        #expect(other.step(.received(ChunkID(file: 0, chunk: 2))).isEmpty, "it is over")
    }

    @Test func aFileThatAnotherFetchesIsWaitedFor() {
        var driver = started([file(chunks: 1), file(chunks: 1)])
        #expect(driver.step(.inspected([0: .busy, 1: .whole])).isEmpty)
        #expect(driver.pass(.milliseconds(500)).isEmpty)
        #expect(driver.pass(.milliseconds(500)) == [.inspect([0])])
        #expect(driver.step(.inspected([0: .busy])).isEmpty)
        #expect(driver.pass(.seconds(1)) == [.inspect([0])])
        #expect(driver.step(.inspected([0: .whole])) == [.finish])
    }

    @Test func aFileThatIsWrongInTheEndIsAnError() {
        var driver = started([file(chunks: 1)])
        _ = driver.step(.inspected([0: .partial(missing: [])]))
        guard case .fail? = driver.step(.sealed(0, isGood: false)).first else {
            Issue.record("it goes on")
            return
        }
    }

    @Test func nonsenseIsIgnored() {
        var driver = started([file(chunks: 2)])
        #expect(driver.step(.inspected([7: .whole, -1: .whole])).isEmpty)
        #expect(driver.step(.received(ChunkID(file: 9, chunk: 0))).isEmpty)
        #expect(driver.step(.written(ChunkID(file: 9, chunk: 0), isGood: true)).isEmpty)
        let asked = driver.step(.inspected([0: .partial(missing: [1, 5, -3, 1])]))
        #expect(asked == [.request(ChunkID(file: 0, chunk: 1))])
    }

    @Test func filesHaveADigestForEachChunk() {
        #expect(StagedFile(byteCount: 0, digest: Digest(rawValue: 1), chunkDigests: []) == nil)
        let one = [Digest(rawValue: 1)]
        #expect(StagedFile(byteCount: StagedFile.chunkBytes + 1, digest: Digest(rawValue: 1), chunkDigests: one) == nil)
        let file = StagedFile(byteCount: StagedFile.chunkBytes, digest: Digest(rawValue: 1), chunkDigests: one)
        #expect(file?.range(of: 0) == 0..<StagedFile.chunkBytes)
        #expect(self.file(chunks: 3).range(of: 2).count == 10)
    }
}

/// The coordinator's side: credits, and patience with those who load.
@Suite struct ServingTests {
    private func fetch(_ chunk: Int, _ driver: inout CoordinatorDriver) -> [CoordinatorDirective] {
        driver.step(.received(.fetch(ChunkID(file: 0, chunk: chunk)), driver.header(1)))
    }

    @Test func onlyMembersAreServedAndOnlySoMuchAtATime() throws {
        var driver = try CoordinatorDriver()
        #expect(fetch(0, &driver).isEmpty, "nobody knows it")
        driver.greet(1)
        #expect(
            driver.step(.received(.listFiles, driver.header(1))) == [.listFiles(to: Incarnation(rawValue: 1))])
        driver.step(.served(Incarnation(rawValue: 1)))
        for chunk in 0..<Coordinator.fetchLimit {
            #expect(
                fetch(chunk, &driver) == [
                    .serve(ChunkID(file: 0, chunk: chunk), to: Incarnation(rawValue: 1))
                ])
        }
        #expect(fetch(99, &driver).isEmpty)
        driver.step(.served(Incarnation(rawValue: 1)))
        #expect(fetch(99, &driver).count == 1)
        #expect(fetch(100, &driver).isEmpty)
    }

    /// A run waits for workers for 10 s here; one that gets on with its files is waited for longer.
    @Test func aWorkerThatGetsOnIsWaitedFor() throws {
        var driver = try CoordinatorDriver()
        driver.greet(1)
        for second in 1...30 {
            driver.now = driver.now + .seconds(1)
            #expect(load(UInt64(second), &driver).outcome == nil, "after \(second) s")
            #expect(driver.pass(.zero).outcome == nil, "after \(second) s")
        }
        // It lives, but nothing moves any more.
        var outcome: Outcome?
        for _ in 0..<11 where outcome == nil {
            driver.now = driver.now + .seconds(1)
            _ = load(30, &driver)
            outcome = driver.pass(.zero).outcome
        }
        guard case .failed? = outcome else {
            Issue.record("it waits for ever")
            return
        }
    }

    private func load(_ done: UInt64, _ driver: inout CoordinatorDriver) -> [CoordinatorDirective] {
        let heartbeat = Heartbeat(
            phase: .loading, blocks: 0, weights: nil, holding: [],
            staging: StagingProgress(doneBytes: done, totalBytes: 100))
        return driver.step(.received(.heartbeat(heartbeat), driver.header(1)))
    }

    @Test func progressTravelsWithHeartbeats() throws {
        var session = WorkerSession(
            .init(
                name: "w", hello: CoordinatorDriver.hello,
                timing: try Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(60)), seed: 1))
        _ = session.step(.started, at: .origin)
        let header = Header(
            runID: CoordinatorDriver.runID, epoch: Epoch(rawValue: 1), worker: "", incarnation: session.incarnation)
        let welcome = Welcome(
            instructionSet: "avx2", heartbeatInterval: .milliseconds(400), orphanTimeout: .seconds(60), shards: 4)
        _ = session.step(.received(.welcome(welcome), header), at: .origin)
        _ = session.step(.staging(StagingProgress(doneBytes: 5, totalBytes: 9)), at: .origin)
        let beats = session.step(.tick(blocks: 0), at: .origin + .seconds(1))
        guard case .send(.heartbeat(let beat))? = beats.first else {
            Issue.record("no heartbeat")
            return
        }
        #expect(beat.phase == .loading && beat.staging == StagingProgress(doneBytes: 5, totalBytes: 9))
    }
}
