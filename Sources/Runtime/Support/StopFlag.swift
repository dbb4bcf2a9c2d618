import Common
import Synchronization

/// Raised by a signal, looked at by work that can be given up.
final class StopFlag: Sendable {
    private let raised = Atomic(false)

    func raise() { raised.store(true, ordering: .relaxed) }

    /// - Throws: `interrupted` once it is raised.
    func check() throws {
        guard raised.load(ordering: .relaxed) else { return }
        throw SelMixError(.interrupted, "stopped", hint: "nothing is left of it")
    }
}
