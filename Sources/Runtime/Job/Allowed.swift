/// The values that a setting may have, with the words that say so: "it must be 1 or more".
struct Allowed<Value: Comparable & Sendable>: Sendable {
    let text: String
    let contains: @Sendable (Value) -> Bool

    static func atLeast(_ lower: Value) -> Allowed {
        Allowed(text: "\(lower) or more") { $0 >= lower }
    }

    static func above(_ lower: Value) -> Allowed {
        Allowed(text: "greater than \(lower)") { $0 > lower }
    }

    static func from(_ lower: Value, to upper: Value) -> Allowed {
        Allowed(text: "from \(lower) to \(upper)") { lower <= $0 && $0 <= upper }
    }

    static func from(_ lower: Value, below upper: Value) -> Allowed {
        Allowed(text: "at least \(lower) and less than \(upper)") { lower <= $0 && $0 < upper }
    }

    /// Where another part of the program judges the value.
    static var any: Allowed { Allowed(text: "anything") { _ in true } }
}
