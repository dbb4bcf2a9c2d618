import Common
import Coordination
import HTTP
import SelMix
import Testing

@testable import Runtime

/// Every metric says what it is called for: each source value is one of its own, so that none can stand for another, and all
/// are whole numbers or short fractions, so that a bit pattern or a wrong unit shows.
@Suite struct MetricsTextTests {
    private static func run() -> RunStatus {
        var run = RunStatus(
            sequence: 1, time: "", runID: "abc", epoch: 2, name: "na\"me\n", version: "9.9", host: "here", processID: 3,
            output: "/out", objectiveName: "min-recall", policy: "selmix", seed: 0, classes: 4, featureDimension: 5,
            shards: 8, batch: 64, started: "", state: .training, reason: nil, health: .healthy, problems: [], round: 11,
            rounds: 60, step: 555, steps: 3000, stepsPerRound: 50, elapsedSeconds: 77, workers: [:], stragglers: [],
            checkpoint: .init(round: 10, time: nil, error: nil), totals: .init())
        (run.objective, run.objectiveBest, run.loss) = (0.5, 0.625, 1.25)
        (run.samplesPerSecond, run.leftSeconds) = (12345, 678)
        (run.outputFreeBytes, run.memoryBytes) = (81_234_567_890, 123_456_789)
        run.workers = Dictionary(uniqueKeysWithValues: WorkerState.allCases.enumerated().map { ($1.rawValue, $0 + 20) })
        run.totals = .init(
            joined: 31, lost: 32, left: 33, refused: 34, moved: 35, copied: 36, repeated: 37, dropped: 38, rejected: 39)
        for (index, kind) in Rejection.allCases.enumerated() { run.rejections.add(kind, count: 100 + index) }
        return run
    }

    private static func worker(_ name: String, _ state: WorkerState) -> WorkerStatus {
        var worker = WorkerStatus(
            name: name, incarnation: "1", state: state, reason: "", since: "", steps: 1, waitedFor: 2,
            waitedForSeconds: 3)
        (worker.silentSeconds, worker.shardSeconds, worker.stragglerScore) = (0.25, 0.75, 1.5)
        return worker
    }

    private static func telemetry() -> WorkerTelemetry {
        var telemetry = WorkerTelemetry()
        (telemetry.cpu, telemetry.memoryBytes, telemetry.memoryPrivateBytes) = (0.875, 2_000_000_001, 1_000_000_001)
        (telemetry.diskFreeBytes, telemetry.diskWait, telemetry.samplesPerSecond) = (70_000_000_007, 0.125, 4321)
        (telemetry.bytesSent, telemetry.bytesReceived, telemetry.errors) = (5_000_000_005, 6_000_000_006, 7)
        telemetry.roundTrip = 0.0625
        telemetry.phases.gather = .init(p50: 1, p95: 2)
        telemetry.phases.compute = .init(p50: 3, p95: 4)
        telemetry.phases.send = .init(p50: 5, p95: 6)
        telemetry.phases.wait = .init(p50: 7, p95: 8)
        telemetry.phases.step = .init(p50: 9, p95: 10)
        return telemetry
    }

    private static func page() throws -> String {
        var metrics = Metrics(
            try ConfusionCounts(classes: 2, counts: [3, 1, 1, 3]), split: try ClassSplit(classes: 2, head: [0]))
        (metrics.accuracy, metrics.meanRecall, metrics.minRecall, metrics.gMean) = (0.1, 0.2, 0.3, 0.4)
        (metrics.hMean, metrics.headRecall, metrics.tailRecall, metrics.minCoverage) = (0.5, 0.6, 0.7, 0.8)
        let report = RoundReport(round: 10, objective: 0.5, metrics: metrics, loss: nil)
        var well = worker("w", .computing)
        well.telemetry = .init(telemetry())
        let facts = MonitorSnapshot.Facts(
            order: [0, 1], trainCounts: [1, 1], headClasses: [0], timestamp: Timestamp(now: .origin))
        var snapshot = MonitorSnapshot(
            facts: facts, run: run(),
            workers: WorkersStatus(
                sequence: 1, time: "", workers: [well, worker("q", .quarantined), worker("gone", .lost)]))
        snapshot.rounds = [RoundStatus(report: report)]
        return MetricsText.text(snapshot, HTTPStatistics())
    }

    /// Values by name and labels.
    private static func samples(_ page: String) -> [String: Double] {
        page.split(separator: "\n").filter { !$0.hasPrefix("#") }.reduce(into: [:]) { samples, line in
            let space = line.lastIndex(of: " ")!
            samples[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
    }

    @Test func everyValueIsTheOneOfItsName() throws {
        let page = try Self.page()
        var expected: [String: Double] = [
            "selmix_run_info{name=\"na\\\"me\\\\u{A}\",objective=\"min-recall\",run_id=\"abc\",version=\"9.9\"}": 1,
            "selmix_run_healthy": 1, "selmix_round": 11, "selmix_rounds": 60, "selmix_steps_total": 555,
            "selmix_steps_planned": 3000, "selmix_objective": 0.5, "selmix_objective_best": 0.625, "selmix_loss": 1.25,
            "selmix_samples_per_second": 12345, "selmix_left_seconds": 678, "selmix_checkpoint_round": 10,
            "selmix_checkpoint_failed": 0, "selmix_output_free_bytes": 81_234_567_890,
            "selmix_coordinator_memory_bytes": 123_456_789, "selmix_http_connections": 0,
            "selmix_worker_straggler_ratio{worker=\"w\"}": 1.5, "selmix_worker_shard_seconds{worker=\"w\"}": 0.75,
            "selmix_worker_silent_seconds{worker=\"w\"}": 0.25, "selmix_worker_straggler_ratio{worker=\"q\"}": 1.5,
            "selmix_worker_shard_seconds{worker=\"q\"}": 0.75, "selmix_worker_silent_seconds{worker=\"q\"}": 0.25,
            "selmix_worker_cpu_ratio{worker=\"w\"}": 0.875, "selmix_worker_disk_wait_ratio{worker=\"w\"}": 0.125,
            "selmix_worker_memory_bytes{worker=\"w\"}": 2_000_000_001,
            "selmix_worker_memory_private_bytes{worker=\"w\"}": 1_000_000_001,
            "selmix_worker_disk_free_bytes{worker=\"w\"}": 70_000_000_007,
            "selmix_worker_round_trip_seconds{worker=\"w\"}": 0.0625,
            "selmix_worker_samples_per_second{worker=\"w\"}": 4321,
            "selmix_worker_sent_bytes_total{worker=\"w\"}": 5_000_000_005,
            "selmix_worker_received_bytes_total{worker=\"w\"}": 6_000_000_006,
            "selmix_worker_errors_total{worker=\"w\"}": 7,
        ]
        for state in RunStatus.State.allCases {
            expected["selmix_run_state{state=\"\(state.rawValue)\"}"] = state == .training ? 1 : 0
        }
        let kinds = ["joined", "lost", "left", "refused", "moved", "copied", "repeated", "dropped", "rejected"]
        for (index, kind) in kinds.enumerated() {
            expected["selmix_incidents_total{kind=\"\(kind)\"}"] = Double(31 + index)
        }
        for (index, kind) in Rejection.allCases.enumerated() {
            expected["selmix_rejections_total{reason=\"\(kind.rawValue)\"}"] = Double(100 + index)
        }
        let ratios = [
            "accuracy", "mean_recall", "min_recall", "g_mean", "h_mean", "head_recall", "tail_recall", "min_coverage",
        ]
        for (index, name) in ratios.enumerated() {
            expected["selmix_validation_ratio{metric=\"\(name)\"}"] = Double(index + 1) / 10
        }
        for (index, state) in WorkerState.allCases.enumerated() {
            expected["selmix_workers{state=\"\(state.rawValue)\"}"] = Double(index + 20)
            for (worker, its) in [("w", WorkerState.computing), ("q", .quarantined)] {
                expected["selmix_worker_state{state=\"\(state.rawValue)\",worker=\"\(worker)\"}"] = state == its ? 1 : 0
            }
        }
        for (index, phase) in ["gather", "compute", "send", "wait", "step"].enumerated() {
            for (quantile, value) in [("0.5", 2 * index + 1), ("0.95", 2 * index + 2)] {
                expected[
                    "selmix_worker_phase_seconds{phase=\"\(phase)\",quantile=\"\(quantile)\",worker=\"w\"}"] = Double(
                        value)
            }
        }
        let found = Self.samples(page)
        for (name, value) in expected { #expect(found[name] == value, "\(name)") }
        #expect(Set(found.keys) == Set(expected.keys))
    }

    /// Who asks at intervals is waited for once more, and nobody else.
    @Test func theRhythmOfScrapes() {
        func at(_ seconds: Double) -> Instant { Instant(sinceOrigin: .seconds(seconds)) }
        let rhythm = ScrapeRhythm()
        #expect(rhythm.nextDue(at: at(0), limit: .seconds(80)) == nil)
        rhythm.asked(at: at(0))
        #expect(rhythm.nextDue(at: at(1), limit: .seconds(80)) == nil)
        rhythm.asked(at: at(4))
        #expect(rhythm.nextDue(at: at(5), limit: .seconds(80)) == at(10))
        #expect(rhythm.nextDue(at: at(5), limit: .seconds(2)) == nil)
        #expect(rhythm.nextDue(at: at(11), limit: .seconds(80)) == nil)
        #expect(rhythm.hasAsked(since: at(4)) && !rhythm.hasAsked(since: at(5)))
    }
}
