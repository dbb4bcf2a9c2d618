import Common
import Foundation
import Subprocess
import Synchronization

/// Worker processes on this machine, as children of this one.
///
/// They live no longer than it: each has a pipe from here as its standard input and leaves when that closes, whatever
/// ended this process. They are in process groups of their own, so that Ctrl-C reaches this process alone, which then
/// stops the run in order.
final class LocalWorkers: Sendable {
    private struct State {
        var running: Int
        /// What each worker that failed said last.
        var complaints: [String] = []
        var stopping = false
    }

    private let state: Mutex<State>
    private let tasks: Mutex<[Task<Void, Never>]>
    private let onLine: @Sendable (String) -> Void
    private let onNoneLeft: @Sendable (String) -> Void

    /// - Parameters:
    ///   - program: the path of the `selmix` executable.
    ///   - onLine: takes each line that a worker writes to standard error, with the worker's name before it.
    ///   - onNoneLeft: called when the last process has ended before ``stop(grace:)``, with the reason.
    init(
        count: Int, program: String, arguments: @escaping @Sendable (_ name: String) -> [String],
        onLine: @escaping @Sendable (String) -> Void, onNoneLeft: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex(State(running: count))
        tasks = Mutex([])
        self.onLine = onLine
        self.onNoneLeft = onNoneLeft
        for index in 1...count {
            let name = "local-\(index)"
            let task = Task { await run(name, program: program, arguments: arguments(name)) }
            tasks.withLock { $0.append(task) }
        }
    }

    /// Waits for all processes to leave by themselves, and kills those that have not when `grace` is over.
    func stop(grace: Duration) async {
        state.withLock { $0.stopping = true }
        let tasks = tasks.withLock { $0 }
        let killer = Task {
            try await Task.sleep(for: grace)
            for task in tasks { task.cancel() }
        }
        for task in tasks { await task.value }
        killer.cancel()
    }

    private func run(_ name: String, program: String, arguments: [String]) async {
        var options = PlatformOptions()
        options.processGroupID = 0
        var lastLines: [String] = []
        do {
            let result = try await Subprocess.run(
                .path(.init(program)), arguments: Arguments(arguments), platformOptions: options, input: .inputWriter,
                output: .discarded, error: .sequence
            ) { execution in
                // Ends when the process does; until then its standard input stays open.
                for try await line in execution.standardError.strings() {
                    let line = line.trimmingCharacters(in: .newlines)
                    lastLines = (lastLines + [line]).suffix(4)
                    onLine("\(name): \(line)")
                }
                return lastLines
            }
            ended(name, status: result.terminationStatus, lastLines: result.closureResult)
        } catch is CancellationError {
            ended(name, status: nil, lastLines: [])
        } catch {
            ended(name, status: nil, lastLines: ["could not be started: \(error)"])
        }
    }

    private func ended(_ name: String, status: TerminationStatus?, lastLines: [String]) {
        let complaint: String? =
            switch status {
            case .exited(0): nil
            case .exited(let code): lastLines.first { $0.hasPrefix("error: ") } ?? "\(name) ended with status \(code)"
            case .signaled(let number): "\(name) was ended by signal \(number)"
            case nil: lastLines.first.map { "\(name) \($0)" }
            }
        let reason: String? = state.withLock { state in
            state.running -= 1
            if let complaint { state.complaints.append(complaint.replacing("error: ", with: "")) }
            guard state.running == 0, !state.stopping else { return nil }
            return state.complaints.last ?? "all worker processes have left"
        }
        if let reason { onNoneLeft(reason) }
    }
}
