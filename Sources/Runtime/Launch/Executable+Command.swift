import Subprocess

extension Executable {
    /// A path, or a name that is looked up on the PATH.
    init(command: String) { self = command.contains("/") ? .path(.init(command)) : .name(command) }
}
