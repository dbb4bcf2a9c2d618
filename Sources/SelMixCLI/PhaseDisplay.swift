import Runtime
import Synchronization

/// One line on standard error, written over: what is done at the moment, and how much of it.
final class PhaseDisplay: Sendable {
    private let isShown: Bool
    private let last = Mutex("")

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ phase: String, fraction: Double) {
        let text = "\(phase) \(Int(100 * fraction)) %"
        guard isShown, last.withLock({ $0 != text }) else { return }
        last.withLock { $0 = text }
        write(text)
    }

    func clear() {
        guard isShown, last.withLock({ !$0.isEmpty }) else { return }
        last.withLock { $0 = "" }
        write("")
    }

    private func write(_ text: String) { StandardError.write("\r\u{1B}[K\(text)") }
}
