import Common

/// An objective by name with its parameters, as the job file and the golden files give it.
public struct ObjectiveSettings: Sendable, Codable, Equatable {
    public var name: String
    /// min-recall and min-head-tail-recall: how sharply the multipliers follow the recalls.
    public var rate: Double?
    /// min-recall: how much of the previous multipliers is kept, 0 to 1.
    public var decay: Double?
    /// Coverage objectives: the required coverage as a fraction of 1/K.
    public var alpha: Double?
    /// Coverage objectives: how fast multipliers grow with the violation.
    public var tau: Double?
    /// Coverage objectives: the largest multiplier.
    public var multiplierMax: Double?
    /// The fraction of classes that are tail, the least frequent ones in training.
    public var tailFraction: Double?
    /// The head's classes, in place of a fraction.
    public var head: [Int]?
    /// Group objectives: the classes of each group.
    public var groups: [[Int]]?
    /// group-recall-gap: what a gap of 1 costs in mean recall.
    public var strictness: Double?

    public static let defaultTailFraction = 0.1

    public init(name: String) { self.name = name }

    /// Head and tail of classes with these training frequencies, [K].
    public func split(trainCounts: [Int]) throws -> ClassSplit {
        if let head { return try ClassSplit(classes: trainCounts.count, head: head) }
        return try ClassSplit(trainCounts: trainCounts, tailFraction: tailFraction ?? Self.defaultTailFraction)
    }

    /// The groups, if any are given.
    public func classGroups(classes: Int) throws -> ClassGroups? {
        try groups.map { try ClassGroups($0, classes: classes) }
    }

    private typealias Maker = @Sendable (ObjectiveSettings, ClassSplit) throws -> any Objective

    /// Every objective there is. Adding one is an implementation of ``Objective`` and a line here.
    private static let known: [(name: String, make: Maker)] = [
        ("mean-recall", { _, _ in MeanRecall() }),
        ("min-recall", { settings, _ in MinRecall(rate: settings.rate ?? 50, decay: settings.decay ?? 0) }),
        ("g-mean", { _, _ in GMean() }),
        ("h-mean", { _, _ in HMean() }),
        (
            "min-head-tail-recall",
            { MinGroupRecall(name: "min-head-tail-recall", groups: ClassGroups($1), rate: $0.rate ?? 50) }
        ),
        ("mean-recall-coverage", { settings, _ in CoverageConstrained(MeanRecall(), constraint: settings.constraint) }),
        ("h-mean-coverage", { settings, _ in CoverageConstrained(HMean(), constraint: settings.constraint) }),
        (
            "mean-recall-head-tail-coverage",
            {
                HeadTailCoverageConstrained(
                    MeanRecall(), split: $1, constraint: $0.constraint, scaling: .largestOfHeadAndTail)
            }
        ),
        (
            "h-mean-head-tail-coverage",
            {
                HeadTailCoverageConstrained(
                    HMean(), split: $1, constraint: $0.constraint, scaling: .largestOfClasses)
            }
        ),
        ("worst-group-recall", { MinGroupRecall(groups: try $0.requiredGroups($1), rate: $0.rate ?? 50) }),
        (
            "group-recall-gap",
            {
                GroupRecallGap(
                    groups: try $0.requiredGroups($1), rate: $0.rate ?? 50, strictness: $0.strictness ?? 1)
            }
        ),
    ]

    public static var knownNames: [String] { known.map(\.name) }

    /// The objective for classes divided into this head and tail.
    public func objective(split: ClassSplit) throws -> any Objective {
        guard let entry = Self.known.first(where: { $0.name == name }) else {
            let nearest = Suggestion.nearest(to: name, among: Self.knownNames)
            throw SelMixError(
                .invalidInput, "unknown objective `\(name)`",
                hint: nearest.map { "did you mean `\($0)`?" } ?? "known are \(Self.knownNames.joined(separator: ", "))")
        }
        try checkRanges()
        return try entry.make(self, split)
    }

    /// What can be judged without data: the name and the ranges.
    public func check() throws {
        var anyGroups = self
        anyGroups.groups = [[0], [1]]
        _ = try anyGroups.objective(split: ClassSplit(classes: 2, head: [0]))
    }

    private func requiredGroups(_ split: ClassSplit) throws -> ClassGroups {
        guard let found = try classGroups(classes: split.head.count + split.tail.count) else {
            throw SelMixError(
                .invalidInput, "the objective `\(name)` needs groups of classes",
                hint: "add `groups: [[0, 1], [2, 3, 4]]` to `objective`")
        }
        return found
    }

    private var constraint: CoverageConstraint {
        CoverageConstraint(alpha: alpha ?? 0.95, tau: tau ?? 0.01, limit: multiplierMax ?? 100)
    }

    private func checkRanges() throws {
        let ranges: [(key: String, value: Double?, allowed: ClosedRange<Double>, text: String)] = [
            ("rate", rate, 0...1e6, "0 or more"),
            ("decay", decay, 0...1, "from 0 to 1"),
            ("alpha", alpha, 0...1, "from 0 to 1"),
            ("tau", tau, 1e-9...1e6, "greater than 0"),
            ("multiplierMax", multiplierMax, 0...1e9, "0 or more"),
            ("strictness", strictness, 0...1e6, "0 or more"),
            ("tailFraction", tailFraction, 1e-9...(1 - 1e-9), "between 0 and 1"),
        ]
        for (key, value, allowed, text) in ranges {
            if let value, !allowed.contains(value) {
                throw SelMixError(.invalidInput, "`objective.\(key)` is \(value)", hint: "it must be \(text)")
            }
        }
    }
}
