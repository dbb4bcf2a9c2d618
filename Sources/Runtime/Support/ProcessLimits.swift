import CKernels
import Foundation
import Messaging

/// What the system lets this process have, and how it uses it.
public enum ProcessLimits {
    /// Takes as much as is there without asking anybody: many systems give 1024 open files at first, which is some 190 workers.
    ///
    /// - Throws: `failed` where there can be no threads beside the first: what waits for one would wait for ever.
    public static func prepare() throws {
        // One heap for all threads. With one for each, which is glibc's way, what one thread freed is of no use to another,
        // and a coordinator grew to twice its memory within minutes. Few allocations happen at a time.
        smx_share_one_heap()
        OpenFiles.raiseLimit()
        try SystemThread.require(4 + ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Threads of a worker's process.
    static let workerThreads = 12
}
