import Coordination

/// Which refusals are told in the log. Whoever sends a lot of what is refused must not fill it, so of each kind only the first
/// few are told, and then the 100th, the 1000th and so on.
struct RejectionLog {
    private var counts = RejectionCounts()
    private var nextTold: [Rejection: Int] = [:]

    /// - Returns: the line to write; nil where it is not time for one.
    mutating func line(_ rejection: Rejection, count: Int, detail: String?) -> String? {
        let before = counts[rejection]
        counts.add(rejection, count: count)
        let total = counts[rejection]
        // After a hiccup of the network these are as usual as they are harmless.
        if rejection == .otherRun || rejection == .unknownLife { return nil }
        guard before < 3 || total >= nextTold[rejection, default: 100] else { return nil }
        var next = 100
        while next <= total { next *= 10 }
        nextTold[rejection] = next
        return "refused \(rejection.told)\(detail.map { ": \($0)" } ?? "") (\(total) so far)"
    }
}
