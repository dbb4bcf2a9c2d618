import ArgumentParser
import Foundation
import Runtime

/// How a run on this machine is spread over processes.
struct LocalOptions: ParsableArguments {
    @Option(help: "Worker processes; by default one a core.")
    var workers: Int?

    func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers is \(workers); it must be from 1 to 1024")
        }
    }

    /// Runs this program's own workers.
    func training(
        of run: PreparedRun, display: ProgressDisplay.Style, resumes: Bool = false,
        http: MonitorServer.Options? = nil, baselines: BaselineCache = BaselineCache()
    ) throws -> LocalTraining {
        // More workers than shards would only stand by.
        let count = workers ?? min(ProcessInfo.processInfo.activeProcessorCount, run.job.cluster.shards)
        let program = try OwnProgram.path()
        return LocalTraining(
            workers: count, program: program, display: display, resumes: resumes, http: http,
            baselines: baselines)
    }
}
