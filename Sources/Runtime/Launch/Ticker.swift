/// Calls back at intervals, from a task of its own, until it is cancelled.
enum Ticker {
    static func start(every interval: Duration, _ action: @escaping @Sendable () -> Void) -> Task<Void, Never> {
        Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                action()
            }
        }
    }
}
