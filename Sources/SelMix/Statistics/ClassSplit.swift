import Common

/// Head and tail: the frequent classes and the rest.
public struct ClassSplit: Sendable, Equatable {
    /// Class indices, ascending.
    public let head: [Int]
    public let tail: [Int]

    /// The first floor((1 - `tailFraction`) K) classes by training frequency are the head; ties go by class index.
    ///
    /// - Throws: when the fraction leaves head or tail empty.
    public init(trainCounts: [Int], tailFraction: Double) throws {
        let classes = trainCounts.count
        // The small term keeps 0.9 * 10 at 9 whatever the last bit of the product says.
        let headCount = Int(((1 - tailFraction) * Double(classes) + 1e-9).rounded(.down))
        let order = trainCounts.indices.sorted { (trainCounts[$1], $0) < (trainCounts[$0], $1) }
        try self.init(classes: classes, head: Array(order.prefix(headCount)))
    }

    /// A split by a list of head classes.
    public init(classes: Int, head: [Int]) throws {
        let members = Set(head)
        if let stranger = members.first(where: { !(0..<classes).contains($0) }) {
            throw SelMixError(.invalidInput, "head class \(stranger) does not exist: there are \(classes) classes")
        }
        self.head = members.sorted()
        tail = (0..<classes).filter { !members.contains($0) }
        if self.head.isEmpty || tail.isEmpty {
            throw SelMixError(
                .invalidInput, "the \(self.head.isEmpty ? "head" : "tail") has no class among \(classes)",
                hint: "choose another `objective.tailFraction`")
        }
    }
}
