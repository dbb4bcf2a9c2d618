/// What a classifier says of every row of a split; one that decides by lot says several things, with their weights.
public struct RowPredictions: Sendable, Equatable {
    public struct Component: Sendable, Equatable {
        public var weight: Double
        /// [N]; ``silent`` for a row that this component says nothing of.
        public var classes: [Int32]

        public init(weight: Double, classes: [Int32]) { (self.weight, self.classes) = (weight, classes) }
    }

    /// The class of a row that a component says nothing of.
    public static let silent: Int32 = -1

    /// The weights of those that say something of a row sum to 1.
    public private(set) var components: [Component]

    public init(_ classes: [Int32]) { components = [Component(weight: 1, classes: classes)] }

    public init(_ components: [Component]) {
        precondition(Set(components.map(\.classes.count)).count == 1, "predictions of different rows")
        self.components = components
    }

    /// What several classifiers say, each of its own rows: those that were held out from it.
    public init(pooling parts: [(rows: [Int], said: RowPredictions)], rows count: Int) {
        if parts.allSatisfy({ $0.said.components.count == 1 }) {
            var classes = [Int32](repeating: Self.silent, count: count)
            for part in parts { for row in part.rows { classes[row] = part.said.components[0].classes[row] } }
            self.init(classes)
            return
        }
        self.init(
            parts.flatMap { part in
                part.said.components.map { component in
                    var classes = [Int32](repeating: Self.silent, count: count)
                    for row in part.rows { classes[row] = component.classes[row] }
                    return Component(weight: component.weight, classes: classes)
                }
            })
    }

    /// Expected confusion counts.
    public func counts(labels: [Int32], classes: Int) -> MixedCounts {
        MixedCounts(
            classes: classes,
            components.map { component in
                var counts = ConfusionCounts(classes: classes)
                for (label, predicted) in zip(labels, component.classes) where predicted != Self.silent {
                    counts.add(true: Int(label), predicted: Int(predicted))
                }
                return (component.weight, counts)
            })
    }
}
