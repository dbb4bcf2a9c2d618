/// `/api/v1/events`.
public struct EventsStatus: Codable, Sendable {
    public var format = 1
    public var sequence: UInt64
    public var time: String
    /// Numbers of the oldest and the newest event that are kept; 0 while there is none.
    public var first: Int
    public var last: Int
    public var events: [EventStatus]
}

public struct EventStatus: Codable, Sendable {
    public enum Level: String, Codable, Sendable {
        case info, warning, error
    }

    public var number: Int
    public var time: String
    public var level: Level
    public var event: String
    public var message: String
    public var worker: String?
    public var round: Int?
    public var step: Int?
}
