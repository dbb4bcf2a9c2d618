import Common
import Foundation
import HTTP
import Messaging
import Testing

@testable import Coordination
@testable import Runtime
@testable import SelMixCLI

/// Messages that are legal and as extreme as can be, all the way: off the wire, through the coordinator, the health model, the
/// monitor, `/metrics`, the API, `status` and `top`. None of it traps, and what comes out are numbers and lines.
///
/// Every value is drawn from a seed; a failure is found again by its number.
@Suite struct ExtremeMessageTests {
    private static let rounds = 150
    private static let run = try! PreparedRun(
        JobFile.load(BundledJobTests.cluster.appendingPathComponent("digits-lt/min-recall.yaml").path))

    @Test(arguments: 0..<6) func noLegalMessageEndsAnything(number: Int) throws {
        var scene = try Scene(Self.run, seed: UInt64(number))
        for _ in 0..<Self.rounds { try scene.step() }
        #expect(scene.taken > Self.rounds * 2)
        try scene.look()
    }

    /// A coordinator with its monitor, and workers that say whatever they like.
    private struct Scene {
        private let run: PreparedRun
        private var core: Coordinator
        private let monitor: RunMonitor
        private let timestamp: Timestamp
        private var progress: RunProgress
        private var now = Instant.origin
        private var dice: SystemDice
        private(set) var taken = 0

        init(_ run: PreparedRun, seed: UInt64) throws {
            self.run = run
            dice = SystemDice(seed: seed)
            let runID = RunID(high: 1, low: 2)
            core = Coordinator(
                .init(
                    runID: runID, epoch: Epoch(rawValue: 1), shards: run.job.cluster.shards, rounds: 1_000_000,
                    stepsPerRound: 4000, timing: run.timing, minWorkers: 1, workerWait: .seconds(1e10),
                    instructionSet: "avx2", version: Version.current, matrixLibrary: "3", probe: Digest(rawValue: 7)))
            monitor = RunMonitor(run, runID: runID, epoch: .largest, at: .origin)
            timestamp = Timestamp(now: .origin)
            progress = RunProgress(job: run.job, at: .origin)
            handle(.started)
        }

        private mutating func handle(_ event: CoordinatorEvent) {
            for directive in core.step(event, at: now) {
                _ = directive.description
                switch directive {
                case .record(let event):
                    monitor.happened(event, at: now)
                    progress.update(event, at: now)
                    _ = event.description
                    #expect(throws: Never.self) { try JSONEncoder().encode(EventLine(event, time: Date())) }
                case .select(let round, _):
                    handle(.selected(Selection(round: round, digest: Digest(rawValue: dice.next()))))
                case .applyStep(let step):
                    handle(.stepped(StepResult(step: step, digest: Digest(rawValue: 1), loss: dice.loss())))
                default: break
                }
            }
            core.checkInvariants()
        }

        /// Something is said by each of some workers, and time passes.
        mutating func step() throws {
            for index in 1...4 as ClosedRange<UInt64> {
                let life = index + (dice.chance(20) ? 100 * (dice.next() % 10) : 0)
                let header = Header(
                    runID: core.configuration.runID, epoch: core.configuration.epoch, worker: "w\(index)",
                    incarnation: Incarnation(rawValue: life))
                for message in messages(life) { try say(message, header) }
            }
            now = now + (dice.chance(30) ? .seconds(1e8) : .milliseconds(300))
            handle(.tick)
            if dice.chance(4) { try look() }
        }

        private mutating func say(_ message: WorkerMessage, _ header: Header) throws {
            let packet = Packet(message, header: header)
            let bytes = packet.encodedHeader()
            guard
                let arrived = try? bytes.withUnsafeBytes({
                    try Packet<WorkerMessage>(decoding: $0, frames: [], limits: WireLimits(tensorBytes: 1 << 20))
                })
            else { return }
            taken += 1
            _ = arrived.message.description
            guard core.rejection(of: arrived.message, arrived.header) == nil else { return }
            handle(.received(arrived.message, arrived.header))
        }

        private mutating func messages(_ life: UInt64) -> [WorkerMessage] {
            let hello = Hello(
                version: Version.current, host: "h\"\\{}", processID: dice.chance(2) ? .max : .min,
                instructionSet: "avx2", matrixLibrary: "3")
            var made: [WorkerMessage] = [.hello(hello), .heartbeat(heartbeat())]
            for observed in core.observations where observed.incarnation.rawValue == life {
                guard let held = observed.held, dice.chance(2) else { continue }
                for node in TreeNode.maximalNodes(of: held.shards, total: run.job.cluster.shards) {
                    made.append(
                        .contribution(
                            Contribution(
                                assignment: dice.chance(2) ? dice.next() % 50 : core.assignments, work: held.work,
                                weights: core.weights, selection: core.selection, node: node,
                                digest: Digest(rawValue: 5), loss: dice.loss())))
                }
            }
            if dice.chance(10) { made.append(.fetch(ChunkID(file: Int(UInt32.max), chunk: Int(UInt32.max)))) }
            if dice.chance(40) { made.append(.failed(reason: "\u{1B}[2J\n\u{9B}31m")) }
            if dice.chance(40) { made.append(.leaving(reason: String(repeating: "\u{202E}", count: 5000))) }
            return made
        }

        private mutating func heartbeat() -> Heartbeat {
            var (telemetry, test) = (WorkerTelemetry(), SelfTest())
            telemetry.cores = dice.chance(2) ? .max : 0
            for key in [\WorkerTelemetry.cpu, \.busyCPU, \.diskWait, \.samplesPerSecond, \.roundTrip] {
                telemetry[keyPath: key] = dice.figure()
            }
            for key in [
                \WorkerTelemetry.memoryBytes, \.memoryPrivateBytes, \.diskFreeBytes, \.bytesSent, \.bytesReceived,
                \.errors,
            ] { telemetry[keyPath: key] = dice.whole() }
            for key in [\WorkerTelemetry.Phases.gather, \.compute, \.send, \.wait, \.step] {
                telemetry.phases[keyPath: key] = .init(p50: dice.figure(), p95: dice.figure())
            }
            for key in [
                \SelfTest.matrixFlopsPerSecond, \.memoryBytesPerSecond, \.diskBytesPerSecond, \.roundTrip,
            ] { test[keyPath: key] = dice.figure() }
            let total = dice.whole()
            return Heartbeat(
                phase: dice.chance(4) ? .loading : .ready(probe: Digest(rawValue: 7)), blocks: dice.next() >> 20,
                weights: dice.chance(2) ? WeightsVersion(1 << 48 - 1) : core.weights,
                holding: dice.chance(2) ? [0, 1 << 48 - 1] : [], telemetry: telemetry,
                selfTest: dice.chance(2) ? test : nil,
                staging: dice.chance(2)
                    ? StagingProgress(doneBytes: dice.chance(2) ? total : 0, totalBytes: total) : nil)
        }

        /// Everything that shows the run.
        mutating func look() throws {
            monitor.rejected(.malformed, count: .max)
            monitor.publish({ core.observations }, phase: core.phase, progress: progress, at: now)
            let snapshot = monitor.board.newest
            let metrics = MetricsText.text(snapshot, HTTPStatistics())
            #expect(metrics.split(separator: "\n").allSatisfy { String($0).isPrintable })
            let encoder = JSONEncoder()
            // What a client reads, with figures of its own making besides.
            var status = try JSONDecoder().decode(RunStatus.self, from: encoder.encode(snapshot.run))
            var workers = try JSONDecoder().decode(WorkersStatus.self, from: encoder.encode(snapshot.workers))
            expectLines(StatusTable.text(status, workers))
            (status.elapsedSeconds, status.leftSeconds) = (dice.figure(), dice.figure())
            (status.samplesPerSecond, status.objective) = (dice.figure(), dice.figure())
            for index in workers.workers.indices {
                workers.workers[index].shardSeconds = dice.figure()
                workers.workers[index].stragglerScore = dice.figure()
                workers.workers[index].telemetry?.samplesPerSecond = dice.figure()
                workers.workers[index].telemetry?.cpu = dice.figure()
                workers.workers[index].reason = "\u{1B}]0;x\u{7}\r\n"
            }
            expectLines(StatusTable.text(status, workers))
            for step in snapshot.steps.suffix(3) { _ = try encoder.encode(StepStatus(step, timestamp)) }
            for event in snapshot.events.suffix(20) { _ = try encoder.encode(event) }
        }

        private func expectLines(_ lines: [String]) {
            for line in lines { #expect(line.isPrintable, "\(line)") }
        }
    }

    /// Draws mostly what is at the end of a range, or beyond.
    private struct SystemDice {
        private var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }

        /// Once in so many times.
        mutating func chance(_ times: UInt64) -> Bool { next() % times == 0 }

        mutating func figure() -> Double {
            let values = [
                0, .leastNonzeroMagnitude, 1e-9, 0.3, 1, 1e9, 1e15, 1e18, 1e19, 1e300, .greatestFiniteMagnitude,
            ]
            return values[Int(next() % UInt64(values.count))]
        }

        mutating func whole() -> UInt64 {
            let values: [UInt64] = [0, 1, 999_999, 1 << 53, 1 << 60, 1 << 63, .max - 1, .max]
            return values[Int(next() % UInt64(values.count))]
        }

        mutating func loss() -> Double {
            let values = [0, -0.0, 1e-300, 1, 1e100, -1e100]
            return values[Int(next() % UInt64(values.count))]
        }
    }
}
