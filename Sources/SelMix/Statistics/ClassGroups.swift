import Common

/// Groups of classes that a user cares about: disjoint, and together all classes.
public struct ClassGroups: Sendable, Equatable {
    /// Class indices of each group.
    public let members: [[Int]]

    /// - Throws: when a class is in two groups, in none, or does not exist.
    public init(_ members: [[Int]], classes: Int) throws {
        var owner = [Int?](repeating: nil, count: classes)
        for (index, group) in members.enumerated() {
            if group.isEmpty { throw Self.error("group \(index) is empty") }
            for k in group {
                guard owner.indices.contains(k) else {
                    throw Self.error("group \(index) has class \(k), but classes go from 0 to \(classes - 1)")
                }
                if let other = owner[k] {
                    throw Self.error(
                        other == index
                            ? "class \(k) is twice in group \(index)"
                            : "class \(k) is in group \(other) and in group \(index)")
                }
                owner[k] = index
            }
        }
        if members.count < 2 { throw Self.error("there must be at least two groups") }
        if let missing = owner.firstIndex(of: nil) { throw Self.error("class \(missing) is in no group") }
        self.members = members
    }

    /// Head and tail as two groups.
    public init(_ split: ClassSplit) { members = [split.head, split.tail] }

    private static func error(_ message: String) -> SelMixError {
        SelMixError(
            .invalidInput, "objective.groups: \(message)",
            hint: "every class belongs to exactly one group, for example `groups: [[0, 1], [2, 3, 4]]`")
    }

    /// Mean recall of each group.
    public func recalls(_ statistics: ConfusionStatistics) -> [Double] {
        members.map { statistics.meanRecall(over: $0) }
    }

    /// Between the best and the worst group's mean recall.
    public func gap(_ statistics: ConfusionStatistics) -> Double {
        let recalls = recalls(statistics)
        return (recalls.max() ?? 0) - (recalls.min() ?? 0)
    }

    /// One weight a group as one a class, shared evenly within the group.
    func spread(_ weights: [Double], classes: Int) -> [Double] {
        var spread = [Double](repeating: 0, count: classes)
        for (group, weight) in zip(members, weights) {
            for k in group { spread[k] = weight / Double(group.count) }
        }
        return spread
    }
}
