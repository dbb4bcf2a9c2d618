import Dispatch
import Foundation

/// Turns SIGINT and SIGTERM into a call, once; a second signal ends the process at once, as people expect of Ctrl-C twice.
public final class StopSignals: @unchecked Sendable {
    private var sources: [any DispatchSourceSignal] = []
    private var stopping = false
    private let queue = DispatchQueue(label: "selmix.signals")

    /// - Parameter onStop: called on a queue of its own with the signal's name.
    public init(onStop: @escaping @Sendable (String) -> Void) {
        _ = Self.defaultsAreOff
        for (number, name) in [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM")] {
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

    /// Once a process: Dispatch handles a signal from the first source for it on, and ignoring it again would undo that.
    private static let defaultsAreOff: Void = {
        // A write to a pipe whose reader is gone is an error to handle, not a reason to die.
        for number in [SIGPIPE, SIGINT, SIGTERM] { signal(number, SIG_IGN) }
    }()

    /// Stops listening; the next run of this process listens for itself.
    public func release() {
        queue.sync {
            for source in sources { source.cancel() }
            sources = []
        }
    }
}
