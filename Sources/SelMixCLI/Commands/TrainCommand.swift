import ArgumentParser
import Common
import Foundation
import Runtime

struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "A whole run on this machine: a coordinator and worker processes.")

    @OptionGroup var job: JobOptions
    @Option(help: "Worker processes; by default one a core.")
    var workers: Int?
    @Flag(help: "Go on with an unfinished run in the output directory, if there is one.")
    var resume = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers is \(workers); it must be from 1 to 1024")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let log = LogSetup.logger("selmix", environment: environment)
        let prepared = try PreparedRun(job.load())
        // More workers than shards would only stand by.
        let count = workers ?? min(ProcessInfo.processInfo.activeProcessorCount, prepared.job.cluster.shards)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let train = LocalTraining(
            workers: count, program: program, display: .automatic(quiet: output.quiet), resumes: resume)
        let report = try await train(prepared, log: log)
        try ResultOutput.show(report, directory: prepared.job.output, options: output)
    }
}
