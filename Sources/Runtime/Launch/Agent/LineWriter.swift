import Foundation
import Messaging
import Synchronization

/// Writes lines to standard output from a thread of its own, so that a reader who has stopped reading holds nobody up.
final class LineWriter: Sendable {
    /// Lines that wait before those that may be dropped are.
    private static let mostWaiting = 10_000

    private struct State {
        var waiting: [[UInt8]] = []
        var isFinished = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)

    init() throws {
        try SystemThread.start { [self] in
            while true {
                wake.wait()
                let (lines, isFinished) = state.withLock { state in
                    defer { state.waiting = [] }
                    return (state.waiting, state.isFinished)
                }
                for line in lines where !write(line) { break }
                if isFinished { break }
            }
            done.signal()
        }
    }

    func post(_ line: [UInt8], droppable: Bool = false) {
        state.withLock { state in
            guard !droppable || state.waiting.count < Self.mostWaiting else { return }
            state.waiting.append(line)
        }
        wake.signal()
    }

    /// Waits until everything is written, or nobody has read for a second.
    func finish() {
        state.withLock { $0.isFinished = true }
        wake.signal()
        _ = done.wait(timeout: .now() + 1)
    }

    private func write(_ line: [UInt8]) -> Bool {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(1, $0.baseAddress!, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
