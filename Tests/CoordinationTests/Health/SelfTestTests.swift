import Common
import Testing

@testable import Coordination

/// A machine far below its peers is named, and can be refused.
@Suite struct SelfTestTests {
    static func test(flops: Double = 100e9, memory: Double = 10e9, disk: Double = 1e9, trip: Double = 1e-3) -> SelfTest
    {
        var test = SelfTest()
        (test.matrixFlopsPerSecond, test.memoryBytesPerSecond) = (flops, memory)
        (test.diskBytesPerSecond, test.roundTrip) = (disk, trip)
        return test
    }

    static let peers = [test(), test(flops: 110e9), test(memory: 9e9)]

    @Test func likeTheOthersIsFine() {
        #expect(Self.test(flops: 50e9, memory: 5e9, disk: 150e6, trip: 5e-3).problems(comparedWith: Self.peers) == [])
    }

    @Test func whatIsFarBelowIsNamed() {
        #expect(
            Self.test(flops: 30e9).problems(comparedWith: Self.peers) == [
                "matrix products run at 30 % of the others' median"
            ])
        #expect(
            Self.test(memory: 3e9, disk: 50e6).problems(comparedWith: Self.peers) == [
                "memory is copied at 30 % of the others' median",
                "the training data are read at 5 % of the others' median",
            ])
        #expect(
            Self.test(trip: 0.3).problems(comparedWith: Self.peers) == [
                "a message takes 300 ms, 300 times the others' median"
            ])
    }

    /// A tenth of a fast disk, or of a fast network, is fast enough.
    @Test func fastEnoughIsNoProblem() {
        let peers = [Self.test(disk: 5e9, trip: 1e-4), Self.test(disk: 6e9, trip: 1e-4)]
        #expect(Self.test(disk: 250e6, trip: 0.01).problems(comparedWith: peers) == [])
    }

    @Test func twoPeersAtLeastAreAMeasure() {
        #expect(Self.test(flops: 1).problems(comparedWith: [Self.test()]) == [])
        #expect(SelfTest().problems(comparedWith: Self.peers) == [])
    }

    @Test(arguments: [false, true])
    func aSlowWorkerIsNamedOrRefused(refuses: Bool) {
        var coordinator = Coordinator(
            .init(
                runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), shards: 4, rounds: 1, stepsPerRound: 1,
                timing: HealthModelTests.timing, minWorkers: 3, workerWait: .seconds(60), instructionSet: "avx2",
                version: "1", matrixLibrary: "3", probe: Digest(rawValue: 5), refusesSlowWorkers: refuses))
        let now = HealthModelTests.at(1)
        _ = coordinator.step(.started, at: now)
        var last: [CoordinatorDirective] = []
        for (number, test) in [Self.test(), Self.test(), Self.test(flops: 1e9)].enumerated() {
            let life = Incarnation(rawValue: UInt64(number + 1))
            func say(_ message: WorkerMessage) {
                last = coordinator.step(
                    .received(
                        message,
                        Header(
                            runID: RunID(high: 1, low: 2), epoch: Epoch(rawValue: 1), worker: "w\(number)",
                            incarnation: life)), at: now)
            }
            say(.hello(Hello(version: "1", host: "h", processID: 1, instructionSet: "avx2", matrixLibrary: "3")))
            say(
                .heartbeat(
                    Heartbeat(
                        phase: .ready(probe: Digest(rawValue: 5)), blocks: 0, weights: nil, holding: [],
                        selfTest: test)))
        }
        let life = Incarnation(rawValue: 3)
        let reason = "worker w2 is far slower than the others: matrix products run at 1 % of the others' median"
        #expect(last.contains(.record(.workerFarSlower("w2", life, reason: reason))) == !refuses)
        #expect(last.contains(.record(.workerReady("w2", life))) == !refuses)
        #expect(last.contains(.send(.refused(reason: reason, retry: false), to: life)) == refuses)
        #expect(coordinator.observations.map(\.name) == (refuses ? ["w0", "w1"] : ["w0", "w1", "w2"]))
    }
}
