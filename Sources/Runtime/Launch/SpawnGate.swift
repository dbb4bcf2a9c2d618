import Messaging
import Synchronization

/// Child processes are started one after another.
///
/// While one starts, both ends of its pipes are open here, and the library that starts it ends this process where a pipe
/// cannot be made; so each is started only when there is room for it.
actor SpawnGate {
    static let shared = SpawnGate()

    /// Both ends of three pipes, and what reports that the child's program could not be run.
    private static let descriptors = 12

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Throws: `failed` where this process cannot open what a child needs; the gate is free then.
    func enter() async throws {
        if isTaken {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isTaken = true
        }
        do {
            try Self.check()
        } catch {
            leave()
            throw error
        }
    }

    /// - Throws: `failed` where this process cannot open what a child needs.
    static func check() throws { try OpenFiles.require(descriptors, for: "starting a process") }

    func leave() {
        if waiting.isEmpty {
            isTaken = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}

/// One passage through the gate, which ends once, however the start goes.
final class SpawnPassage: Sendable {
    private let isOver = Atomic(false)

    init() async throws { try await SpawnGate.shared.enter() }

    func end() async {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        await SpawnGate.shared.leave()
    }
}
