import ArgumentParser
import Foundation
import Runtime

/// Which run to ask about.
struct RunOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp("The run's output directory.", valueName: "run"), completion: .directory)
    var directory: String?
    @Option(help: "The address of its coordinator instead, such as http://127.0.0.1:9090.")
    var connect: String?
    @Option(help: "The file with the token, where one is needed.", completion: .file())
    var tokenFile: String?

    func validate() throws {
        guard (directory == nil) != (connect == nil) else {
            throw ValidationError("name the run's output directory, or its address with --connect URL")
        }
    }

    func client() throws -> MonitorClient { try MonitorClient(directory ?? connect ?? "", tokenFile: tokenFile) }
}

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "How a run is doing: health, progress, workers.")

    @OptionGroup var target: RunOptions
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    private struct Result: Encodable {
        var run: RunStatus
        var workers: [WorkerStatus]
        var medianShardSeconds: Double?
    }

    func run() async throws {
        let client = try target.client()
        let (run, workers) = (try await client.run(), try await client.workers())
        if json {
            print(
                try JSONText.of(
                    Result(run: run, workers: workers.workers, medianShardSeconds: workers.medianShardSeconds)))
        } else {
            print(StatusTable.text(run, workers).joined(separator: "\n"))
        }
    }
}
