import Common
import Testing

@testable import Coordination

/// A worker's state follows from what is observed, and its reason can be read.
@Suite struct HealthModelTests {
    static let timing = try! Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(60))
    static func at(_ seconds: Double) -> Instant { Instant(sinceOrigin: .seconds(seconds)) }

    /// A ready worker that was heard just now.
    static func worker(
        _ name: String, _ number: UInt64, shard: Duration? = nil, heard: Double = 10,
        _ change: (inout WorkerObservation) -> Void = { _ in }
    ) -> WorkerObservation {
        var pace = ShardPace()
        if let shard { for _ in 0..<8 { pace.add(shard * 4, shards: 4) } }
        var worker = WorkerObservation(
            name: name, incarnation: Incarnation(rawValue: number),
            hello: Hello(version: "1", host: "h", processID: 1, instructionSet: "", matrixLibrary: ""),
            joinedAt: at(0), membership: .ready, lastHeard: at(heard), held: nil, lastWorked: at(0), pace: pace,
            telemetry: nil, selfTest: nil, problems: [])
        change(&worker)
        return worker
    }

    static func held(since: Double, sign: Double, patience: Double = 2) -> WorkerObservation.Held {
        .init(
            work: .train(StepIndex(7)), since: at(since), lastSign: at(sign), patienceEnd: at(sign + patience),
            shards: [ShardID(0), ShardID(1)])
    }

    private func health(_ workers: [WorkerObservation], at now: Double = 10) -> [WorkerHealth] {
        var model = HealthModel(timing: Self.timing)
        model.update(workers, at: Self.at(now))
        return workers.compactMap { model[$0.incarnation] }
    }

    @Test func aWorkerWithNothingToDoIsReady() {
        #expect(health([Self.worker("a", 1)])[0].state == .ready)
    }

    @Test func oneWithWorkComputesAlsoBetweenTwoPieces() {
        let busy = Self.worker("a", 1) { $0.held = Self.held(since: 9.9, sign: 9.9) }
        let between = Self.worker("b", 2) { $0.lastWorked = Self.at(9.8) }
        #expect(health([busy, between]).map(\.state) == [.computing, .computing])
    }

    @Test func whoFetchesFilesTellsHowFarItIs() {
        let told = health([
            Self.worker("a", 1) { $0.membership = .joining },
            Self.worker("b", 2) {
                $0.membership = .joining
                $0.staging = StagingProgress(doneBytes: 412_300_000, totalBytes: 948_600_000)
            },
        ])
        #expect(told.map(\.state) == [.joining, .joining])
        #expect(told.map(\.reason) == ["loads its data and tests itself", "fetches its files, 412 of 949 MB"])
    }

    @Test func silenceMakesSuspect() {
        let told = health([Self.worker("a", 1, heard: 8.9)])[0]
        #expect(told.state == .suspect)
        #expect(told.reason == "no word from it for 1.1 s; after 2 s it is given up")
    }

    @Test func answersWithoutProgressAreStuck() {
        let told = health([Self.worker("a", 1) { $0.held = Self.held(since: 8, sign: 8.8) }])[0]
        #expect(told.state == .stuck)
        #expect(told.reason == "it answers, but shows no progress on step 7 for 1.2 s; after 2 s it is given up")
    }

    @Test func waitingForTheDiskIsSlowAndNotStuck() {
        let told = health([
            Self.worker("a", 1) {
                $0.held = Self.held(since: 8, sign: 8.8)
                $0.telemetry = WorkerTelemetry()
                $0.telemetry?.diskWait = 0.8
            }
        ])[0]
        #expect(told.state == .slow)
        #expect(told.reason == "it waits for its data disk 80 % of its working time")
    }

    @Test func aStragglerIsNamedWithItsCause() {
        let fast = (1...3).map { Self.worker("fast-\($0)", UInt64($0), shard: .milliseconds(5)) }
        let throttled = Self.worker("slow", 9, shard: .milliseconds(50)) {
            $0.telemetry = WorkerTelemetry()
            $0.telemetry?.busyCPU = 0.1
        }
        let told = health(fast + [throttled])
        #expect(told.map(\.state) == [.ready, .ready, .ready, .slow])
        #expect(told[3].stragglerScore == 10)
        #expect(
            told[3].reason
                == "takes 50 ms for a shard, 10 times the median of 5 ms: while it works it gets 10 % of a processor, so it "
                + "is suspended, limited, or shares a busy machine")
    }

    @Test func aSlowMachineIsToldByItsSelfTest() {
        let fast = (1...3).map { Self.worker("fast-\($0)", UInt64($0), shard: .milliseconds(5)) }
        let old = Self.worker("old", 9, shard: .milliseconds(15)) {
            $0.telemetry = WorkerTelemetry()
            $0.telemetry?.busyCPU = 1
            $0.problems = ["matrix products run at 31 % of the others' median"]
        }
        #expect(
            health(fast + [old])[3].reason
                == "takes 15 ms for a shard, 3 times the median of 5 ms: matrix products run at 31 % of the others' median"
        )
    }

    /// Twice the median of next to nothing is jitter.
    @Test func shortDifferencesAreNoStraggling() {
        let told = health([
            Self.worker("a", 1, shard: .microseconds(100)), Self.worker("b", 2, shard: .microseconds(100)),
            Self.worker("c", 3, shard: .microseconds(500)),
        ])
        #expect(told.allSatisfy { $0.state == .ready })
        #expect(told[2].stragglerScore == 5)
    }

    @Test func oneAloneIsNeverSlow() {
        #expect(health([Self.worker("a", 1, shard: .seconds(1))])[0].state == .ready)
    }

    /// Work that is not done counts as soon as it takes longer than the mean.
    @Test func aLongAssignmentShowsBeforeItsEnd() {
        let fast = (1...3).map { Self.worker("fast-\($0)", UInt64($0), shard: .milliseconds(5)) }
        let hanging = Self.worker("hangs", 9, shard: .milliseconds(5)) {
            $0.held = Self.held(since: 9, sign: 9.9)
        }
        #expect(health(fast + [hanging])[3].state == .slow)
    }

    @Test func aStateLastsUntilItIsClearlyOver() {
        var model = HealthModel(timing: Self.timing)
        let fast = (1...3).map { Self.worker("fast-\($0)", UInt64($0), shard: .milliseconds(10)) }
        func update(_ shard: Int, at now: Double) -> WorkerHealth? {
            let worker = Self.worker("d", 9, shard: .milliseconds(shard), heard: now)
            model.update(
                fast.map { Self.worker($0.name, $0.incarnation.rawValue, shard: .milliseconds(10), heard: now) } + [
                    worker
                ], at: Self.at(now))
            return model[worker.incarnation]
        }
        #expect(update(19, at: 10)?.state == .ready)
        let slow = update(21, at: 11)
        #expect(slow?.state == .slow && slow?.since == Self.at(11))
        let still = update(16, at: 12)
        #expect(still?.state == .slow && still?.since == Self.at(11))
        #expect(update(14, at: 13)?.state == .ready)
    }

    @Test func thoseThatGoAreRememberedWithTheReason() {
        var model = HealthModel(timing: Self.timing)
        let workers = (1...3).map { Self.worker("w\($0)", UInt64($0)) }
        model.update(workers, at: Self.at(10))
        model.happened(.workerLost("w1", workers[0].incarnation, reason: "silent for 2 s"), at: Self.at(11))
        model.happened(.workerDraining("w2", workers[1].incarnation, reason: "SIGTERM"), at: Self.at(12))
        model.happened(.workerLeft("w2", workers[1].incarnation), at: Self.at(12))
        model.happened(.workerRefused("w4", Incarnation(rawValue: 4), reason: "another version"), at: Self.at(13))
        model.happened(.finished(.interrupted(reason: "SIGINT")), at: Self.at(14))
        #expect(model.gone.map(\.name) == ["w3", "w4", "w2", "w1"])
        #expect(model.gone.map(\.state) == [.left, .left, .left, .lost])
        #expect(
            model.gone.map(\.reason) == [
                "the run is over: interrupted (SIGINT)", "refused: another version", "leaves: SIGTERM",
                "silent for 2 s",
            ])
        #expect(model[workers[0].incarnation] == nil)
    }

    @Test func whoComputedWronglyIsQuarantinedAndNotMerelyLost() throws {
        var model = HealthModel(timing: Self.timing)
        let worker = Self.worker("w1", 1)
        model.update([worker], at: Self.at(10))
        let quarantine = Quarantine(
            worker: "w1", host: "h", incarnation: worker.incarnation, work: .train(StepIndex(7)), node: TreeNode(0, 2),
            digest: Digest(rawValue: 1), expected: Digest(rawValue: 2), witness: "w2", unproven: 3)
        model.happened(.quarantined(quarantine), at: Self.at(11))
        model.happened(.workerLost("w1", worker.incarnation, reason: "fenced"), at: Self.at(11))
        let gone = try #require(model.gone.first)
        #expect(gone.state == .quarantined && gone.reason == quarantine.reason && gone.since == Self.at(11))
        #expect(gone.reason.contains("step 7"))
        // Its next life, which is refused, is not the one that computed wrongly.
        model.happened(.workerLost("w1", Incarnation(rawValue: 9), reason: "silent for 2 s"), at: Self.at(12))
        #expect(model.gone.first?.state == .lost)
    }

    @Test func onlySoManyThatAreGoneAreKept() {
        var model = HealthModel(timing: Self.timing)
        for number in 0..<200 {
            model.happened(.workerLost("w\(number)", Incarnation(rawValue: UInt64(number)), reason: ""), at: Self.at(1))
        }
        #expect(model.gone.count == HealthModel.kept && model.gone[0].name == "w199")
    }

    @Test func membershipComesBeforeSpeed() {
        let draining = Self.worker("a", 1, shard: .seconds(1)) {
            $0.membership = .draining(reason: "SIGTERM")
            $0.held = Self.held(since: 1, sign: 9.9)
        }
        let joining = Self.worker("b", 2) { $0.membership = .joining }
        let told = health([draining, joining, Self.worker("c", 3, shard: .milliseconds(1))])
        #expect(told.map(\.state) == [.draining, .joining, .ready])
        #expect(told[0].reason == "leaves: SIGTERM, and finishes what it holds")
    }
}
