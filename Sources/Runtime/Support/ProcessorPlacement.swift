import CKernels

/// On which processors threads run.
enum ProcessorPlacement {
    /// The processors that this thread may run on, in the system's numbers.
    static var allowed: [Int] {
        [Int32](unsafeUninitializedCapacity: 1024) { buffer, count in
            count = Int(smx_allowed_processors(buffer.baseAddress!, 1024))
        }.map { Int($0) }
    }

    /// Keeps this thread on one processor, so that what it has in its cache stays of use. Where the system refuses, it runs
    /// where it likes, as it would have.
    static func keepThread(on processor: Int) { _ = smx_keep_thread_on(Int32(processor)) }

    /// The arguments for the n-th of some workers on a machine. They are kept apart only where they take all of its
    /// processors: with fewer of them, other programs would be found on the chosen ones while the rest is idle.
    static func arguments(worker index: Int, of workers: Int, processors: Int) -> [String] {
        workers == processors ? ["--core", "\(index)"] : []
    }
}
