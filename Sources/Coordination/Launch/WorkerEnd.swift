/// How a worker process ended.
public struct WorkerEnd: Sendable, Equatable, Codable {
    public enum Cause: Sendable, Equatable, Codable {
        case exited(Int32)
        case signaled(Int32)
        case notStarted
    }

    public var cause: Cause
    /// What it said last that tells why, if anything.
    public var complaint: String?

    public init(_ cause: Cause, complaint: String? = nil) {
        self.cause = cause
        self.complaint = complaint
    }

    /// Let go by the coordinator, or drained.
    public var isPeaceful: Bool { cause == .exited(0) }

    /// Another start would end the same way: a wrong command line, or data that are not what the job says.
    public var isFinal: Bool { cause == .exited(2) || cause == .exited(3) }

    /// Such as "node1-2 was ended by signal 9".
    public func told(of name: String) -> String {
        switch (cause, complaint) {
        case (.notStarted, let complaint): "\(name) could not be started" + (complaint.map { " (\($0))" } ?? "")
        case (_, let complaint?): "\(name) failed (\(complaint))"
        case (.exited(let status), nil): "\(name) ended with status \(status)"
        case (.signaled(let number), nil): "\(name) was ended by signal \(number)"
        }
    }
}
