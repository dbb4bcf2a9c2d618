import Dispatch
import Foundation
import SelMix
import Synchronization

extension BlockLoop {
    /// The cores that this process may use.
    static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    /// On at most `threads` threads side by side, the calling one among them.
    static func threads(_ threads: Int) -> BlockLoop {
        guard threads > 1 else { return .serial }
        return BlockLoop { count, body in
            let next = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
                while case let index = next.add(1, ordering: .relaxed).oldValue, index < count { body(index) }
            }
        }
    }
}
