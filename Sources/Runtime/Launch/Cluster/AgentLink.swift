import Common
import Foundation
import Subprocess

/// The command that carries one agent's input and output: an ssh, an srun, or the agent itself.
///
/// When it is let go, or this process ends, the agent's input closes and the agent ends with its workers.
final class AgentLink: Sendable {
    enum Event: Sendable {
        case report(AgentReport)
        /// The command has ended; nothing follows.
        case closed(StartFailure)
    }

    private let orders: AsyncStream<AgentOrder>.Continuation
    private let task: Task<Void, Never>

    /// - Parameter onEvent: called from any thread.
    init(_ command: AgentCommand, onEvent: @escaping @Sendable (Event) -> Void) {
        let (stream, orders) = AsyncStream<AgentOrder>.makeStream()
        self.orders = orders
        task = Task {
            let failure = await Self.run(command, orders: stream, onReport: { onEvent(.report($0)) })
            orders.finish()
            onEvent(.closed(failure))
        }
    }

    func send(_ order: AgentOrder) { orders.yield(order) }

    /// Closes the agent's input.
    func finish() { orders.finish() }

    /// Ends the command at once.
    func kill() { task.cancel() }

    func waitUntilClosed() async { await task.value }

    private static func run(
        _ command: AgentCommand, orders: AsyncStream<AgentOrder>, onReport: @escaping @Sendable (AgentReport) -> Void
    ) async -> StartFailure {
        var options = PlatformOptions()
        // Ctrl-C is for the launcher alone, which then ends the run in order.
        options.processGroupID = 0
        let passage: SpawnPassage
        do {
            passage = try await SpawnPassage()
        } catch {
            return StartFailure(reason: SelMixError(describing: error).description)
        }
        do {
            let result = try await Subprocess.run(
                Executable(command: command.program), arguments: Arguments(command.arguments), platformOptions: options,
                input: .inputWriter,
                output: .sequence, error: .sequence
            ) { execution in
                await passage.end()
                let writer = Task {
                    for await order in orders {
                        // Whoever no longer reads has ended, or will, which is told by its output.
                        guard (try? await execution.standardInputWriter.write(AgentLine.encode(order))) != nil else {
                            break
                        }
                    }
                    try? await execution.standardInputWriter.finish()
                }
                defer { writer.cancel() }
                async let lines = Self.lastLines(execution.standardError)
                for try await line in execution.standardOutput.strings(separatedBy: .unicodeScalarSequence(["\n"])) {
                    if let report: AgentReport = AgentLine.decode(line.trimmingCharacters(in: .newlines)) {
                        onReport(report)
                    }
                }
                return try await lines
            }
            return StartFailure(
                command: command.program, status: result.terminationStatus, lines: result.closureResult)
        } catch {
            await passage.end()
            return StartFailure(command: command.program, status: nil, lines: ["\(command.program): \(error)"])
        }
    }

    private static func lastLines(_ output: SubprocessOutputSequence) async throws -> [String] {
        var last: [String] = []
        for try await line in output.strings() {
            let line = line.trimmingCharacters(in: .newlines)
            // The banner that ssh draws around a changed host key says nothing.
            guard !line.isEmpty, !line.allSatisfy({ $0 == "@" }) else { continue }
            last = (last + [line]).suffix(30)
        }
        return last
    }
}
