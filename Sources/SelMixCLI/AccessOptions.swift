import ArgumentParser
import Foundation
import Runtime

/// Who may connect to a run.
struct AccessOptions: ParsableArguments {
    @Option(
        help: "The directory of this process's keys, as `selmix keygen` makes it. Needed beyond this machine.",
        completion: .directory)
    var keys: String?
    @Flag(
        help: "Let anyone who reaches the port read and change the run: only where you trust everyone on the network.")
    var insecure = false

    func validate() throws {
        if keys != nil, insecure { throw ValidationError("--keys and --insecure exclude each other") }
    }

    var directory: KeyDirectory? { keys.map { KeyDirectory(path: URL(fileURLWithPath: $0).path) } }

    var access: Access { directory.map { .keys($0) } ?? (insecure ? .anyone : .local) }
}
