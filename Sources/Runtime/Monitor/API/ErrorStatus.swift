/// The body of an answer that is an error.
public struct ErrorStatus: Codable, Sendable {
    public var error: String
    public var hint: String?
}

/// The answer to a request to drain a worker.
public struct DrainStatus: Codable, Sendable {
    public var worker: String
    public var state: String
}
