import Coordination

/// The story of one run, a line for each thing that happens.
struct Trace {
    /// Nil for a run that nobody watches.
    private let detail: Simulation.Detail?
    private let write: (String) -> Void

    init(_ detail: Simulation.Detail?, write: @escaping (String) -> Void = { _ in }) {
        self.detail = detail
        self.write = write
    }

    /// - Parameters:
    ///   - routine: heartbeats and their answers.
    ///   - text: made only when it is wanted.
    func line(_ now: Instant, routine: Bool = false, _ text: () -> String) {
        guard let detail, !routine || detail == .everything else { return }
        write("\(now.told)  \(text())")
    }
}
