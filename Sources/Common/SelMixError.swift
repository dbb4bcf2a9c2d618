/// The one error shape of all modules.
///
/// It says what happened, and what to do about it; the command line prints both and maps ``Code`` to the exit status.
/// Operating errors (files, flags, peers, disks) throw this. A programmer error traps instead.
public struct SelMixError: Error, Sendable, Equatable {
    /// What kind of trouble it is, which is also who can mend it.
    public enum Code: String, Sendable, Codable {
        /// The command line was wrong.
        case usage
        /// The job file or the data are wrong.
        case invalidInput
        /// The run failed: a disk, a file that cannot be written, a broken promise of determinism.
        case failed
        /// No workers, lost workers, a port that is taken, a peer of another version.
        case cluster
        /// A person or a scheduler asked the run to stop.
        case interrupted
    }

    public var code: Code
    /// What is wrong, and where: one sentence without a full stop.
    public var message: String
    /// What to do about it; nil where nothing helps.
    public var hint: String?
    /// What the system or a library said.
    public var cause: String?

    public init(_ code: Code, _ message: String, hint: String? = nil, cause: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// The same error, told as part of something larger: "`prefix`: message".
    public func within(_ prefix: String) -> SelMixError {
        SelMixError(code, "\(prefix): \(message)", hint: hint, cause: cause)
    }
}

extension SelMixError: CustomStringConvertible {
    public var description: String {
        let told = cause.map { "\(message) (\($0))" } ?? message
        return hint.map { "\(told); \($0)" } ?? told
    }
}
