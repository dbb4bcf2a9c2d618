import Foundation

/// Who lost: classes whose recall is lower after than before, which a better mean hides.
public struct ClassChanges: Sendable, Codable, Equatable {
    /// Classes whose recall fell, and rose.
    public var lost: Int
    public var gained: Int
    /// The class whose recall fell most, and by how much; nil when none did.
    public var mostLost: Int?
    public var largestLoss: Double?

    public init(before: [Double?], after: [Double?]) {
        (lost, gained) = (0, 0)
        for (k, (old, new)) in zip(before, after).enumerated() {
            guard let old, let new else { continue }
            if new > old { gained += 1 }
            guard new < old else { continue }
            lost += 1
            if new - old < largestLoss ?? 0 { (mostLost, largestLoss) = (k, new - old) }
        }
    }

    /// Such as "6 classes lost, class 2 most: -19.4".
    public var description: String {
        guard let mostLost, let largestLoss else { return "no class lost" }
        return String(
            format: "%d class%@ lost, class %d most: %+.1f", lost, lost == 1 ? "" : "es", mostLost, 100 * largestLoss)
    }
}
