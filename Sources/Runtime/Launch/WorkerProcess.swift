import Common
import Coordination
import Foundation
import Subprocess

/// A worker as a child of this process.
///
/// It lives no longer than this one: its standard input is a pipe from here, and it leaves when that closes, whatever ended
/// this process (``Lifeline``). It is in a process group of its own, so that Ctrl-C reaches this process alone, which then
/// stops it in order.
enum WorkerProcess {
    /// Runs one to its end. Cancelling the task kills it.
    ///
    /// - Parameters:
    ///   - program: the path of the `selmix` executable.
    ///   - onStart: takes the process id.
    ///   - onLine: takes each line that the worker writes to standard error.
    static func run(
        program: String, arguments: [String], environment: [String: String] = [:],
        onStart: @Sendable (pid_t) -> Void = { _ in }, onLine: @Sendable (String) -> Void
    ) async -> WorkerEnd {
        var options = PlatformOptions()
        options.processGroupID = 0
        let updates = Dictionary(
            uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), Optional($1)) })
        var lastLines: [String] = []
        let passage: SpawnPassage
        do {
            passage = try await SpawnPassage()
        } catch {
            return WorkerEnd(.notStarted, complaint: SelMixError(describing: error).description)
        }
        do {
            let result = try await Subprocess.run(
                .path(.init(program)), arguments: Arguments(arguments), environment: .inherit.updating(updates),
                platformOptions: options, input: .inputWriter, output: .discarded, error: .sequence
            ) { execution in
                await passage.end()
                onStart(execution.processIdentifier.value)
                // Ends when the process does; until then its standard input stays open.
                for try await line in execution.standardError.strings() {
                    let line = line.trimmingCharacters(in: .newlines)
                    lastLines = (lastLines + [line]).suffix(4)
                    onLine(line)
                }
                return lastLines
            }
            let complaint = result.closureResult.lazy.compactMap(Self.error).first
            return switch result.terminationStatus {
            case .exited(let status): WorkerEnd(.exited(status), complaint: status == 0 ? nil : complaint)
            case .signaled(let number): WorkerEnd(.signaled(number))
            }
        } catch is CancellationError {
            await passage.end()
            return WorkerEnd(.signaled(SIGKILL))
        } catch {
            await passage.end()
            return WorkerEnd(.notStarted, complaint: "\(error)")
        }
    }

    /// What ended a worker, from a line of its standard error in either format.
    private static func error(_ line: String) -> String? {
        struct Entry: Decodable {
            var level: String
            var message: String
        }
        if line.hasPrefix("error: ") { return String(line.dropFirst(7)) }
        guard line.hasPrefix("{"), let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)),
            entry.level == "error"
        else { return nil }
        return entry.message
    }
}
