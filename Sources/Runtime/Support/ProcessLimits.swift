import Messaging

/// What the system lets this process have.
public enum ProcessLimits {
    /// Takes as much as is there without asking anybody: many systems give 1024 open files at first, which is some 190 workers.
    public static func raise() { OpenFiles.raiseLimit() }
}
