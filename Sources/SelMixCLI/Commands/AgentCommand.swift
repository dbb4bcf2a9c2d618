import ArgumentParser
import Foundation
import Runtime

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "The far end of a launch, started by it on every host: checks the host, runs workers there.",
        discussion: """
            Takes orders on standard input and answers on standard output, a JSON object a line. Ends, and its workers with \
            it, when its input closes.
            """)

    @Option(help: "Seconds without a word from the launcher after which it is taken for gone.")
    var patience = 60

    func validate() throws {
        if patience < 3 { throw ValidationError("--patience is \(patience); it must be at least 3 seconds") }
    }

    func run() async throws {
        let log = LogSetup.logger("selmix.agent")
        try await HostAgent(program: try OwnProgram.path(), patience: .seconds(patience), log: log).run()
    }
}
