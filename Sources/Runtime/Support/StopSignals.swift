import Dispatch
import Foundation

/// Turns SIGINT and SIGTERM into a call, once; a second signal ends the process at once, as people expect of Ctrl-C twice.
public final class StopSignals: @unchecked Sendable {
    private var sources: [any DispatchSourceSignal] = []
    private var stopping = false
    private let queue = DispatchQueue(label: "selmix.signals")

    /// - Parameter onStop: called on a queue of its own with the signal's name.
    public init(onStop: @escaping @Sendable (String) -> Void) {
        // A write to a pipe whose reader is gone is an error to handle, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        for (number, name) in [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [self] in
                if stopping { _exit(130) }
                stopping = true
                onStop(name)
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Stops listening; the next run of this process listens for itself.
    public func release() {
        queue.sync {
            for source in sources { source.cancel() }
            sources = []
        }
    }
}
