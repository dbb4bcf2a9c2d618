import ArgumentParser
import Foundation
import Runtime

struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Runs a job with settings varied, and compares what the runs came to.",
        discussion: """
            Every combination is run as `selmix train` does, one after another, each in a directory of its own below the \
            output. All are checked before the first one starts. For example: --vary objective=min-recall,h-mean \
            --vary seed=0,1,2
            """)

    @OptionGroup var job: JobOptions
    @Option(
        parsing: .singleValue,
        help: "A setting to vary: key.path=value,value. May be given twice, for all combinations of two settings.")
    var vary: [String]
    @OptionGroup var local: LocalOptions
    @Option(name: .customLong("output"), help: "Where to write; by default the job's output with `-sweep` behind it.")
    var directory: String?
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if vary.count > 2 {
            throw ValidationError("--vary is given \(vary.count) times; it may be given once or twice")
        }
    }

    func run() async throws {
        let log = LogSetup.logger("selmix")
        let sweep = try Sweep(
            job: job.job, overrides: job.overrides, axes: vary.map { try SweepAxis(parsing: $0) },
            directory: directory.map { URL(fileURLWithPath: $0).path })
        // What does not depend on the objective is computed once.
        let baselines = BaselineCache()
        let report = try await sweep(
            announce: { line in
                if !output.quiet { StandardError.line(line) }
            },
            train: { run in
                let train = try local.training(
                    of: run, display: .automatic(quiet: output.quiet), baselines: baselines)
                return try await train(run, log: log)
            })
        if output.json {
            print(try JSONText.of(report))
        } else {
            print(MetricsTable.text(report))
            print("")
            print("runs     \(ResultOutput.shownPath(sweep.directory))")
            print("figures  \(ResultOutput.shownPath(sweep.directory))/sweep.json")
            ResultOutput.excuse(savedIn: ResultOutput.shownPath(sweep.directory))
        }
    }
}
