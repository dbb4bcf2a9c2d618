import Common
import Foundation
import Logging

/// A whole run on this machine: this process coordinates, its children work, over sockets in a private directory.
public struct LocalTraining: Sendable {
    public var workers: Int
    /// The path of the `selmix` executable that the workers run.
    public var program: String
    public var display: ProgressDisplay.Style
    /// Whether an unfinished run in the output directory is taken up.
    public var resumes: Bool
    /// Where the run can be watched; nil: nowhere.
    public var http: MonitorServer.Options?
    /// What other runs of a sweep have left of baselines that do not depend on what is varied.
    public var baselines: BaselineCache

    public init(
        workers: Int, program: String, display: ProgressDisplay.Style, resumes: Bool = false,
        http: MonitorServer.Options? = nil, baselines: BaselineCache = BaselineCache()
    ) {
        self.baselines = baselines
        self.http = http
        self.resumes = resumes
        self.workers = workers
        self.program = program
        self.display = display
    }

    /// - Throws: what ended a run that did not finish.
    public func callAsFunction(_ prepared: PreparedRun, log: Logger) async throws -> RunReport {
        let (run, report) = try await train(prepared, http: http, isContinued: prepared.job.baselines, log: log)
        guard prepared.job.baselines else { return report }
        // The run counts as finished when these are there too: after a kill among them it goes on with --resume, its own steps
        // are all taken, and so are those of the baselines that were done.
        var again = self
        again.resumes = true
        let suite = BaselineSuite(
            run: prepared, directory: prepared.job.output + "/baselines", cache: baselines,
            train: { [again] job in
                let prepared = try PreparedRun(job)
                if let report = RunDirectory.finishedReport(of: prepared) { return report }
                return try await again.train(prepared, http: nil, log: log).report
            },
            announce: { [display] line in
                display.tell(line)
            })
        let compared = try run.value.add(try await suite(comparedWith: report), to: report)
        try run.value.finish()
        return compared
    }

    private func train(
        _ prepared: PreparedRun, http: MonitorServer.Options?, isContinued: Bool = false, log: Logger
    ) async throws -> (run: CarriedRun, report: RunReport) {
        let sockets = try SocketDirectory()
        // A run with fewer workers than were asked for would look slow without saying why, so it starts with all of them.
        var prepared = prepared
        prepared.job.cluster.minWorkers = workers
        // They read the same files as this process.
        prepared.job.cluster.staging = .never
        let run = CarriedRun(
            try CoordinatedRun(
                prepared,
                options: .init(
                    control: sockets.address("control"), bulk: sockets.address("bulk"), display: display,
                    tellsWaiting: false, resumes: resumes, http: http, workers: workers,
                    children: DescriptorBudget.child * workers,
                    childThreads: ProcessLimits.workerThreads * workers, isContinued: isContinued), log: log))
        let signals = StopSignals(onStop: run.value.shell.stopper)
        let addresses = run.value.shell.addresses
        let processes = LocalWorkers(
            count: workers, program: program,
            arguments: { [display, workers, processors = ProcessorPlacement.allowed.count] name, index in
                [
                    "worker", "--connect", addresses.control, "--connect-bulk", addresses.bulk, "--name", name,
                    "--exit-with-parent",
                ] + ProcessorPlacement.arguments(worker: index, of: workers, processors: processors)
                    + (display.isLog ? ["--log-format", "json"] : [])
            },
            onLine: { [display] name, line in display.tell(line, of: name) },
            onEnd: run.value.shell.workerEnded, onNoneLeft: run.value.shell.workersGone)

        let result = await run.lead()
        await processes.stop(grace: .seconds(5))
        signals.release()
        withExtendedLifetime(sockets) {}
        return (run, try result.get())
    }
}
