import Common
import Coordination
import Foundation
import Logging
import Messaging
import Synchronization

/// Who may join, kept up to date: a key file that is added or removed counts from the next connection on.
final class WorkerList: Sendable {
    private struct State {
        var keys: [CurveKey: KeyName]
        var modified: timespec
    }

    private let directory: KeyDirectory
    private let state: Mutex<State>
    private let log: Logger

    init(_ directory: KeyDirectory, log: Logger) throws {
        self.directory = directory
        self.log = log
        let modified = Self.modified(directory)
        state = Mutex(State(keys: try directory.listedKeys(), modified: modified))
        guard !state.withLock({ $0.keys.isEmpty }) else {
            throw SelMixError(
                .usage, "no worker is listed in \(directory.workers)",
                hint: "make keys for them with `selmix keygen \(directory.path) NAME...`")
        }
    }

    /// The name of a listed key.
    @Sendable func name(of key: CurveKey) -> KeyName? {
        state.withLock { state in
            let modified = Self.modified(directory)
            if modified.tv_sec != state.modified.tv_sec || modified.tv_nsec != state.modified.tv_nsec {
                do {
                    state.keys = try directory.listedKeys()
                    state.modified = modified
                } catch {
                    // As it was: a file that is being written must not lock out everyone. Looked at again next time.
                    log.warning("the list of workers stays as it was: \(error)")
                }
            }
            return state.keys[key]
        }
    }

    private static func modified(_ directory: KeyDirectory) -> timespec {
        var status = stat()
        return stat(directory.workers, &status) == 0 ? status.st_mtim : timespec()
    }
}
