import Common

/// How often what was refused. As JSON one object, such as `{"unlisted-key": 3}`.
public struct RejectionCounts: Sendable, Equatable {
    private var counts: [Rejection: Int] = [:]

    public init() {}

    public subscript(_ rejection: Rejection) -> Int { counts[rejection] ?? 0 }

    public var total: Int { counts.values.reduce(0) { $0.addingSaturated($1) } }

    /// Those that happened, in the order of their declaration.
    public var entries: [(rejection: Rejection, count: Int)] {
        Rejection.allCases.compactMap { kind in counts[kind].map { (kind, $0) } }
    }

    public mutating func add(_ rejection: Rejection, count: Int = 1) {
        if count > 0 { counts[rejection] = self[rejection].addingSaturated(count) }
    }
}

extension RejectionCounts: Codable {
    public init(from decoder: any Decoder) throws { counts = try [Rejection: Int](from: decoder) }
    public func encode(to encoder: any Encoder) throws { try counts.encode(to: encoder) }
}
