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

        public init(control: String, bulk: String, display: ProgressDisplay.Style, tellsWaiting: Bool = true) {
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
    private let started = Date()
    private var result: RunResult?

    /// Opens everything that can fail: the output directory, the log, the sockets.
    public init(_ run: PreparedRun, options: Options, log: Logger) throws {
        self.run = run
        directory = try RunDirectory(creating: run.job.output)
        display = ProgressDisplay(options.display)
        recorder = RunRecorder(
            job: run.job, log: try EventLog(path: directory.file(RunDirectory.Name.events)), display: display,
            tellsWaiting: options.tellsWaiting)
        shell = try CoordinatorShell(
            run, listeningOn: .init(control: options.control, bulk: options.bulk), observer: recorder, log: log)
        recorder.onFailure = { [abort = shell.aborter] in abort($0) }
        try directory.write(
            JSONEncoder.report.encode(
                RunInfo(
                    runID: shell.runID.description, processID: getpid(), control: shell.addresses.control,
                    bulk: shell.addresses.bulk, version: Version.current, job: run.job)),
            to: RunDirectory.Name.run)
    }

    /// What `run.json` tells about the run's process.
    private struct RunInfo: Encodable {
        var runID: String
        var processID: Int32
        var control: String
        var bulk: String
        var version: String
        var job: Job
    }

    /// Leads the run on the calling thread and writes its results.
    ///
    /// - Returns: the report of a run that finished.
    /// - Throws: `interrupted` or `failed`, after writing what there is.
    public func lead() throws -> RunReport {
        let (outcome, result) = shell.lead()
        display.close()
        self.result = result
        let report = try output.write(
            result, outcome: outcome, runID: shell.runID, started: started, progress: recorder.progress)
        switch outcome {
        case .finished:
            guard let report else { preconditionFailure("a finished run without a validation") }
            return report
        case .interrupted(let reason):
            throw SelMixError(
                .interrupted, "the run was interrupted (\(reason)) after \(recorder.progress.stepsDone) steps",
                hint: report.map {
                    "the best head so far (round \($0.bestRound)) and its report are in \(directory.path)"
                })
        case .failed(let error):
            throw error
        }
    }

    /// Writes the report again with a comparison.
    func add(_ baselines: [BaselineReport], to report: RunReport) throws -> RunReport {
        guard let result else { preconditionFailure("baselines before the run") }
        var report = report
        report.baselines = baselines
        try output.write(report, result)
        return report
    }

    private var output: RunOutput { RunOutput(directory: directory, run: run) }
}
