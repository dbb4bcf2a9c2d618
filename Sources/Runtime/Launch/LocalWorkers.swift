import Coordination
import Foundation
import Synchronization

/// The worker processes of a run on this machine, as children of this one (``WorkerProcess``).
final class LocalWorkers: Sendable {
    private struct State {
        var running: Int
        /// How workers that failed ended.
        var complaints: [String] = []
        var stopping = false
    }

    private let state: Mutex<State>
    private let tasks: Mutex<[Task<Void, Never>]>
    private let onLine: @Sendable (_ name: String, _ line: String) -> Void
    private let onEnd: @Sendable (_ name: String, WorkerEnd) -> Void
    private let onNoneLeft: @Sendable (String) -> Void

    /// - Parameters:
    ///   - program: the path of the `selmix` executable.
    ///   - onLine: takes each line that a worker writes to standard error.
    ///   - onEnd: called when a process has ended.
    ///   - onNoneLeft: called when the last process has ended before ``stop(grace:)``, with the reason.
    init(
        count: Int, program: String, arguments: @escaping @Sendable (_ name: String, _ index: Int) -> [String],
        onLine: @escaping @Sendable (_ name: String, _ line: String) -> Void,
        onEnd: @escaping @Sendable (_ name: String, WorkerEnd) -> Void = { _, _ in },
        onNoneLeft: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex(State(running: count))
        tasks = Mutex([])
        self.onLine = onLine
        self.onEnd = onEnd
        self.onNoneLeft = onNoneLeft
        for index in 0..<count {
            let name = "local-\(index + 1)"
            let task = Task { await run(name, program: program, arguments: arguments(name, index)) }
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
        let end = await WorkerProcess.run(program: program, arguments: arguments, onLine: { onLine(name, $0) })
        onEnd(name, end)
        let reason: String? = state.withLock { state in
            state.running -= 1
            if !end.isPeaceful { state.complaints.append(end.told(of: name)) }
            guard state.running == 0, !state.stopping else { return nil }
            return state.complaints.last ?? "all worker processes have left"
        }
        if let reason { onNoneLeft(reason) }
    }
}
