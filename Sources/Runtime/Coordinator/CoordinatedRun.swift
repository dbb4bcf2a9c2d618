import Common
import Coordination
import Foundation
import Logging
import Messaging

/// A whole run as its coordinating process sees it: output directory, log, sockets, and what is written at the end.
///
/// `train` and `coordinator` differ only in where workers come from.
public final class CoordinatedRun {
    public struct Options: Sendable {
        public var control: String
        public var bulk: String
        public var display: ProgressDisplay.Style
        /// Whether to tell that the first workers are waited for.
        public var tellsWaiting: Bool
        /// Whether an unfinished run of the same configuration is taken up; otherwise it is an error.
        public var resumes: Bool
        public var access: Access
        /// Nil: no HTTP.
        public var http: MonitorServer.Options?
        /// Whether something comes after the run that belongs to it, so that it is not finished before ``CoordinatedRun/finish()``.
        public var isContinued: Bool
        /// How many workers are expected; nil: as many as the job asks for.
        public var workers: Int?
        /// Descriptors that child processes of this one take.
        public var children: Int
        /// Threads of child processes.
        public var childThreads: Int

        public init(
            control: String, bulk: String, display: ProgressDisplay.Style, tellsWaiting: Bool = true,
            resumes: Bool = true, access: Access = .local, http: MonitorServer.Options?, workers: Int? = nil,
            children: Int = 0, childThreads: Int = 0, isContinued: Bool = false
        ) {
            (self.workers, self.children, self.childThreads) = (workers, children, childThreads)
            self.isContinued = isContinued
            self.access = access
            self.http = http
            self.resumes = resumes
            self.control = control
            self.bulk = bulk
            self.display = display
            self.tellsWaiting = tellsWaiting
        }
    }

    public let run: PreparedRun
    public let shell: CoordinatorShell
    private let directory: RunDirectory
    private let recorder: RunRecorder
    private let display: ProgressDisplay
    private let server: MonitorServer?
    private let started = Date()
    private var info: RunDirectory.Info
    private let isContinued: Bool
    private var result: RunResult?

    /// Opens everything that can fail: the output directory, the sockets, the log.
    ///
    /// Nothing is written before the ports are open, and the first thing then is run.json, so that a start that fails, or is
    /// killed at any point, leaves either nothing of a run or a run that goes on.
    public init(_ run: PreparedRun, options: Options, log: Logger) throws {
        self.run = run
        // Before anything is written.
        try options.access.check([options.control, options.bulk], doing: "listening on")
        let budget = try DescriptorBudget(
            limit: OpenFiles.limit, workers: options.workers ?? run.job.cluster.minWorkers, children: options.children)
        // Those of child processes count for the same user.
        try SystemThread.require(Self.threads + options.childThreads)
        let directory = try RunDirectory(creating: run.job.output)
        self.directory = directory
        let previous = try directory.unfinished(run, resumes: options.resumes)
        let store = directory.checkpoints
        let newest = store.newest(layout: run.layout)
        for warning in run.warnings { log.warning("\(warning)") }
        let events = try EventLog(
            path: directory.file(RunDirectory.Name.events), resuming: previous != nil,
            from: newest.found.map { EventHistory.Checkpoint($0.0) })
        let start = RunStart(
            runID: previous?.runID ?? .random(), epoch: Epoch(rawValue: (previous?.epoch.rawValue ?? 0) + 1),
            quarantined: events.quarantined.reduce(into: [:]) { $0[$1.worker] = $1.reason }, state: newest.found?.1)
        display = ProgressDisplay(options.display)
        let monitor = RunMonitor(run, runID: start.runID, epoch: start.epoch, at: SystemClock.now)
        recorder = RunRecorder(
            job: run.job, log: events, display: display, tellsWaiting: options.tellsWaiting, monitor: monitor)
        let identity = CheckpointStore.Identity(
            runID: start.runID, epoch: start.epoch, configuration: run.configurationDigest,
            stepsPerRound: run.job.selmix.stepsPerRound)
        let keep = run.job.checkpoints.keep
        shell = try CoordinatorShell(
            run, start: start, listeningOn: .init(control: options.control, bulk: options.bulk),
            access: options.access, mostConnections: budget.connections, observer: recorder,
            checkpoints: { state in
                // The log is durable before the checkpoint that names its length and digest.
                try store.write(state, identity: identity, log: events.sync(), keep: keep)
            }, log: log)
        let drainer = shell.drainer
        server = try options.http.map {
            try MonitorServer(
                $0, board: monitor.board, output: directory.path, mostConnections: budget.http, drain: drainer)
        }
        info = RunDirectory.Info(
            runID: start.runID, epoch: start.epoch, configurationDigest: run.configurationDigest.description,
            processID: getpid(), control: shell.addresses.control, bulk: shell.addresses.bulk,
            http: server?.url, version: Version.current, finished: false, job: run.job)
        isContinued = options.isContinued
        // The epoch is on disk before any message carries it.
        try directory.write(info)
        do {
            try events.open()
            if run.job.tensorBoard {
                recorder.tensorBoard = try TensorBoardLog(
                    folder: directory.file(RunDirectory.Name.tensorBoard), epoch: start.epoch.rawValue, at: started)
            }
        } catch {
            if previous == nil { directory.removeStart() }
            throw error
        }
        recorder.onFailure = { [abort = shell.aborter] in abort($0) }
        if previous != nil {
            recorder.resume(from: start.state, refused: newest.refused, quarantined: events.quarantined)
        }
    }

    /// Carries the shell to its thread, which is the only one that uses it from then on.
    private struct Leader: @unchecked Sendable {
        let shell: CoordinatorShell
        let concluding: () -> CoordinatorShell.ResultWriter

        var result: Result<(outcome: Outcome, result: RunResult, report: RunReport?), any Error> {
            Result { try shell.lead(concluding: concluding) }
        }
    }

    /// Threads that a run needs besides those that compute: network, doorkeeper, ZeroMQ's, HTTP, signals.
    private static let threads = 16 + ProcessInfo.processInfo.activeProcessorCount

    /// Leads the run and writes its results.
    ///
    /// - Returns: the report of a run that finished.
    /// - Throws: `interrupted` or `failed`, after writing what there is.
    public func lead() async throws -> RunReport {
        server?.start()
        if let server { display.announce("watch this run at \(server.url)") }
        let leader = Leader(
            shell: shell,
            concluding: { [self] in
                let write = writer(.finished)
                var info = info
                info.finished = !isContinued
                return { [directory, info] result in
                    guard let report = try write(result) else {
                        // A run ends with a validation.
                        preconditionFailure("a finished run without a validation")
                    }
                    try directory.write(info)
                    return report
                }
            })
        // Leading blocks a thread for the whole run, so it gets one of its own, and HTTP is answered meanwhile.
        typealias Led = Result<(outcome: Outcome, result: RunResult, report: RunReport?), any Error>
        let led: Led = await withCheckedContinuation { continuation in
            do {
                try SystemThread.start { continuation.resume(returning: leader.result) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        let end = SystemClock.now
        let ending = Result { try conclude(led.get()) }
        // Last, as what the run has to leave does not wait for who watches it.
        let isDone = if case .success = ending { true } else { false }
        await server?.stop(since: end, patience: isDone ? Self.scrapePatience : Self.scrapePatienceWhenStopped)
        return try ending.get()
    }

    /// How long the port of a finished run may stay open for whoever asks for metrics at intervals: as long as Prometheus
    /// asks by default, and some time for it to be late.
    private static let scrapePatience = Duration.seconds(80)
    /// Of one that was asked to stop, or failed: well within what schedulers and service managers allow for that.
    private static let scrapePatienceWhenStopped = Duration.seconds(20)

    private func conclude(_ led: (outcome: Outcome, result: RunResult, report: RunReport?)) throws -> RunReport {
        let (outcome, result, finalReport) = led
        display.close()
        self.result = result
        if let finalReport { return finalReport }
        let written = Result { try writer(outcome)(result) }
        switch outcome {
        // Such a run has returned its report above.
        case .finished: preconditionFailure("a finished run without a report")
        case .interrupted(let reason):
            let report = try written.get()
            throw SelMixError(
                .interrupted, "the run was interrupted (\(reason)) after \(recorder.progress.stepsDone) steps",
                hint: report.map {
                    "the best head so far (round \($0.bestRound)) and its report are in \(directory.path)"
                })
        case .failed(let error):
            // What ended the run comes first, also when its results cannot be written for the same reason.
            throw error
        }
    }

    /// Writes what there is, with the figures as they are now; on any thread.
    private func writer(_ outcome: Outcome) -> @Sendable (RunResult) throws -> RunReport? {
        var progress = recorder.progress
        // Writing is no training.
        progress.update(.finished(outcome), at: SystemClock.now)
        return { [output, started, progress, rejections = recorder.rejections, runID = shell.runID] result in
            try output.write(
                result, outcome: outcome, runID: runID, started: started, progress: progress,
                rejections: rejections)
        }
    }

    /// Marks a run as finished that something else came after.
    func finish() throws {
        info.finished = true
        try directory.write(info)
    }

    /// Writes the report again with a comparison.
    func add(_ baselines: [BaselineReport], to report: RunReport) throws -> RunReport {
        // Baselines are run by whoever has led this run to its end.
        guard let result else { preconditionFailure("baselines before the run") }
        var report = report
        report.baselines = baselines
        report.verdict = BaselineVerdict(baselines)
        try output.write(report, result)
        return report
    }

    private var output: RunOutput { RunOutput(directory: directory, run: run) }
}
