import ArgumentParser
import Common
import Foundation
import Runtime

struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Leads a run; workers connect to it.")

    @OptionGroup var job: JobOptions
    @Option(help: "Where to listen: tcp://HOST:PORT or ipc://PATH. The next port (or PATH.bulk) carries tensors.")
    var bind: String
    @Option(help: "Where to listen for tensors, if not on the next port.")
    var bindBulk: String?
    @OptionGroup var access: AccessOptions
    @OptionGroup var monitor: MonitorOptions
    @OptionGroup var logging: LogOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let log = logging.logger("selmix")
        let bulk = try bindBulk ?? Endpoint.bulk(besides: bind)
        let prepared = try PreparedRun(job.load())
        let run = try CoordinatedRun(
            prepared,
            options: .init(
                control: bind, bulk: bulk, display: logging.display(quiet: output.quiet, log), access: access.access,
                http: monitor.options()),
            log: log)
        let signals = StopSignals(onStop: run.shell.stopper)
        let report = try await run.lead()
        withExtendedLifetime(signals) {}
        try ResultOutput.show(report, directory: prepared.job.output, options: output)
    }
}
