import ArgumentParser
import Common
import Foundation
import Runtime

struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "A whole run on this machine: a coordinator and worker processes.")

    @OptionGroup var job: JobOptions
    @OptionGroup var local: LocalOptions
    @Flag(help: "Go on with an unfinished run in the output directory, if there is one.")
    var resume = false
    @OptionGroup var monitor: MonitorOptions
    @OptionGroup var logging: LogOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let log = logging.logger("selmix")
        let prepared = try PreparedRun(job.load())
        let train = try local.training(
            of: prepared, display: logging.display(quiet: output.quiet, log), resumes: resume,
            http: monitor.options())
        let report = try await train(prepared, log: log)
        try ResultOutput.show(report, directory: prepared.job.output, options: output)
    }
}
