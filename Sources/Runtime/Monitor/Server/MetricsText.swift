import Coordination
import HTTP

/// `/metrics`: a snapshot in Prometheus' text format.
enum MetricsText {
    static func text(_ snapshot: MonitorSnapshot, _ statistics: HTTPStatistics) -> String {
        var page = MetricsPage()
        add(snapshot.run, to: &page)
        add(snapshot.rounds.last?.report, to: &page)
        // Somebody has to look at a quarantined worker, which takes no part any more.
        let workers = snapshot.workers.workers.filter { $0.state.isHere || $0.state == .quarantined }
        add(workers, counts: snapshot.run.workers, to: &page)
        page.counter(
            "selmix_http_requests_total", "Answers to HTTP requests, by status.",
            statistics.answers.sorted { $0.key < $1.key }.map { (["code": "\($0.key)"], Double($0.value)) })
        page.gauge("selmix_http_connections", "Open HTTP connections.", Double(statistics.connections))
        return page.text
    }

    private static func add(_ run: RunStatus, to page: inout MetricsPage) {
        page.gauge(
            "selmix_run_info", "What is run; always 1.",
            [
                (
                    [
                        "run_id": run.runID, "name": run.name, "version": run.version,
                        "objective": run.objectiveName,
                    ], 1
                )
            ])
        page.gauge(
            "selmix_run_state", "1 for the state that the run is in, 0 for the others.",
            RunStatus.State.allCases.map { (["state": $0.rawValue], $0 == run.state ? 1 : 0) })
        page.gauge(
            "selmix_run_healthy", "1 while the run goes on and nothing needs a look.",
            run.health == .healthy ? 1 : 0)
        page.gauge("selmix_round", "The round at work, from 0.", Double(run.round))
        page.gauge("selmix_rounds", "Planned rounds.", Double(run.rounds))
        page.counter("selmix_steps_total", "Optimiser steps done.", [([:], Double(run.step))])
        page.gauge("selmix_steps_planned", "Planned optimiser steps.", Double(run.steps))
        page.gauge("selmix_objective", "Value of the objective at the last validation.", run.objective)
        page.gauge("selmix_objective_best", "Its best value so far.", run.objectiveBest)
        page.gauge("selmix_loss", "Training loss of the last step.", run.loss)
        page.gauge(
            "selmix_samples_per_second", "Training samples a second, over the time spent in steps.",
            run.samplesPerSecond)
        page.gauge("selmix_left_seconds", "Time left, if the run goes on as it went.", run.leftSeconds)
        let totals = run.totals
        page.counter(
            "selmix_incidents_total",
            "Workers that joined, were lost, left or were refused, shards moved or copied, assignments repeated, "
                + "contributions dropped, messages rejected.",
            [
                ("joined", totals.joined), ("lost", totals.lost), ("left", totals.left), ("refused", totals.refused),
                ("moved", totals.moved), ("copied", totals.copied), ("repeated", totals.repeated),
                ("dropped", totals.dropped), ("rejected", totals.rejected),
            ].map { (["kind": $0.0], Double($0.1)) })
        page.counter(
            "selmix_rejections_total", "Connections and messages that were refused at the sockets.",
            Rejection.allCases.map { (["reason": $0.rawValue], Double(run.rejections[$0])) })
        page.gauge(
            "selmix_checkpoint_round", "The round before which the last checkpoint was written.",
            run.checkpoint.round.map { Double($0) })
        page.gauge(
            "selmix_checkpoint_failed", "1 while a newer checkpoint could not be written.",
            run.checkpoint.error == nil ? 0 : 1)
        page.gauge(
            "selmix_output_free_bytes", "Room on the disk of the output directory.",
            run.outputFreeBytes.map { Double($0) })
        page.gauge(
            "selmix_coordinator_memory_bytes", "Resident memory of the coordinating process.",
            run.memoryBytes.map { Double($0) })
    }

    private static func add(_ report: RoundReport?, to page: inout MetricsPage) {
        guard let report else { return }
        page.gauge(
            "selmix_validation_ratio", "Metrics of the last validation, from 0 to 1.",
            [
                ("accuracy", report.accuracy), ("mean_recall", report.meanRecall), ("min_recall", report.minRecall),
                ("g_mean", report.gMean), ("h_mean", report.hMean), ("head_recall", report.headRecall),
                ("tail_recall", report.tailRecall), ("min_coverage", report.minCoverage),
            ].map { (["metric": $0.0], $0.1) })
    }

    private static func add(_ workers: [WorkerStatus], counts: [String: Int], to page: inout MetricsPage) {
        page.gauge(
            "selmix_workers", "Workers by state; of those that are gone the last ones.",
            WorkerState.allCases.map { (["state": $0.rawValue], Double(counts[$0.rawValue] ?? 0)) })
        page.gauge(
            "selmix_worker_state", "1 for the state that a worker is in, 0 for the others.",
            workers.flatMap { worker in
                WorkerState.allCases.map {
                    (["worker": worker.name, "state": $0.rawValue], worker.state == $0 ? 1 : 0)
                }
            })
        func gauge(_ name: String, _ help: String, _ value: (WorkerStatus) -> Double?) {
            page.gauge(
                name, help,
                workers.compactMap { worker in value(worker).map { (["worker": worker.name], $0) } })
        }
        func counter(_ name: String, _ help: String, _ value: (WorkerStatus.Telemetry) -> UInt64) {
            page.counter(
                name, help,
                workers.compactMap { worker in
                    worker.telemetry.map { (["worker": worker.name], Double(value($0))) }
                })
        }
        gauge("selmix_worker_straggler_ratio", "A worker's time for a shard over the median worker's.") {
            $0.stragglerScore
        }
        gauge("selmix_worker_shard_seconds", "Mean time for a shard, over the last assignments.") { $0.shardSeconds }
        gauge("selmix_worker_silent_seconds", "Since the last message from the worker.") { $0.silentSeconds }
        page.summary(
            "selmix_worker_phase_seconds", "Time of the parts of an assignment, over the last ones.",
            workers.flatMap { worker in worker.telemetry?.phases.map { phases(worker.name, $0) } ?? [] })
        gauge("selmix_worker_cpu_ratio", "Processor time per second; 1 is one busy core.") { $0.telemetry?.cpu }
        gauge("selmix_worker_disk_wait_ratio", "Share of the working time spent waiting for data files.") {
            $0.telemetry?.diskWait
        }
        gauge("selmix_worker_memory_bytes", "Resident memory.") { $0.telemetry.map { Double($0.memoryBytes) } }
        gauge("selmix_worker_memory_private_bytes", "Resident memory that is not shared with a file.") {
            $0.telemetry.map { Double($0.memoryPrivateBytes) }
        }
        gauge("selmix_worker_disk_free_bytes", "Room on the disk of the working directory.") {
            $0.telemetry.map { Double($0.diskFreeBytes) }
        }
        gauge("selmix_worker_round_trip_seconds", "From a heartbeat to its answer.") {
            $0.telemetry?.roundTripSeconds
        }
        gauge("selmix_worker_samples_per_second", "Training samples a second while it has work.") {
            $0.telemetry?.samplesPerSecond
        }
        counter("selmix_worker_sent_bytes_total", "Bytes sent since the worker's start.") { $0.bytesSent }
        counter("selmix_worker_received_bytes_total", "Bytes received since the worker's start.") { $0.bytesReceived }
        counter("selmix_worker_errors_total", "Messages dropped and sends that failed.") { $0.errors }
    }

    private static func phases(_ worker: String, _ phases: WorkerTelemetry.Phases) -> [([String: String], Double)] {
        [
            ("gather", phases.gather), ("compute", phases.compute), ("send", phases.send), ("wait", phases.wait),
            ("step", phases.step),
        ].flatMap { name, quantiles in
            [("0.5", quantiles.p50), ("0.95", quantiles.p95)].map {
                (["worker": worker, "phase": name, "quantile": $0.0], $0.1)
            }
        }
    }
}
