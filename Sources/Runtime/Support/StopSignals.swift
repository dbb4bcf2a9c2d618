import Dispatch
import Foundation

/// Turns the signals that ask a process to stop into a call, once.
///
/// Besides SIGINT and SIGTERM these are SIGHUP, which a process gets when its terminal or its ssh connection goes away, and
/// SIGUSR1, with which schedulers announce the end of a time limit. Whoever started the process with SIGHUP or SIGUSR1
/// ignored, as nohup does, does not want it to stop for them, and it stays so.
///
/// A SIGINT after the first signal ends the process at once, as people expect of Ctrl-C twice. Other signals do not: a
/// terminal that closes sends SIGHUP more than once, `timeout` sends SIGTERM twice, and a scheduler sends SIGTERM some time
/// after its warning, all of them while results are being written.
public final class StopSignals: @unchecked Sendable {
    private var sources: [any DispatchSourceSignal] = []
    private var stopping = false
    private let queue = DispatchQueue(label: "selmix.signals")

    /// - Parameter onStop: called on a queue of its own with the signal's name.
    public init(onStop: @escaping @Sendable (String) -> Void) {
        for (number, name) in Self.heeded {
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { [self] in
                if stopping {
                    if number == SIGINT { _exit(130) }
                    return
                }
                stopping = true
                onStop(name)
            }
            source.resume()
            sources.append(source)
        }
    }

    /// The signals to listen for. Once a process: Dispatch handles a signal from the first source for it on, and ignoring it
    /// again would undo that.
    private static let heeded: [(Int32, String)] = {
        // A write to a pipe whose reader is gone is an error to handle, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        let all = [
            (SIGINT, "SIGINT", false), (SIGTERM, "SIGTERM", false), (SIGHUP, "SIGHUP", true),
            (SIGUSR1, "SIGUSR1", true),
        ]
        return all.filter { number, _, mayBeIgnored in
            var before = sigaction()
            sigaction(number, nil, &before)
            let wasIgnored = unsafeBitCast(before.__sigaction_handler.sa_handler, to: Int.self) == 1
            if mayBeIgnored && wasIgnored { return false }
            // Its default would end the process before Dispatch hears of it.
            signal(number, SIG_IGN)
            return true
        }
        .map { ($0.0, $0.1) }
    }()

    /// Stops listening; the next run of this process listens for itself.
    public func release() {
        queue.sync {
            for source in sources { source.cancel() }
            sources = []
        }
    }
}
