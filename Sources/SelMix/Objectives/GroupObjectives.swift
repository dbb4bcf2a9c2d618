/// The smallest mean recall of any group of classes: lambda_g proportional to exp(-rate mean r over g), spread evenly over
/// the classes of the group. With head and tail as the groups it is the paper's min-head-tail-recall.
public struct MinGroupRecall: Objective {
    public let name: String
    public var groups: ClassGroups
    /// How sharply the multipliers single out the worst group.
    public var rate: Double

    public init(name: String = "worst-group-recall", groups: ClassGroups, rate: Double = 50) {
        self.name = name
        self.groups = groups
        self.rate = rate
    }

    public var form: ObjectiveForm { ObjectiveForm(.smallestGroupMean(groups)) }

    public func value(_ statistics: ConfusionStatistics) -> Double { groups.recalls(statistics).min() ?? 0 }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        groups.spread(Simplex.softmax(groups.recalls(statistics).map { -rate * $0 }), classes: statistics.classes)
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        GradientTerms(recallWeights: multipliers)
    }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double {
        statistics.weightedRecall(multipliers)
    }
}

/// Mean recall less `strictness` times the gap between the best and the worst group's mean recall: a soft fairness
/// constraint. The multipliers are the weights of a smooth minimum less those of a smooth maximum over the groups.
public struct GroupRecallGap: Objective {
    public let name = "group-recall-gap"
    public var groups: ClassGroups
    public var rate: Double
    /// What a gap of 1 costs in mean recall.
    public var strictness: Double

    public init(groups: ClassGroups, rate: Double = 50, strictness: Double = 1) {
        self.groups = groups
        self.rate = rate
        self.strictness = strictness
    }

    public var form: ObjectiveForm { ObjectiveForm(.meanLessGap(groups, strictness: strictness)) }

    public func value(_ statistics: ConfusionStatistics) -> Double {
        Means.arithmetic(statistics.knownRecalls) - strictness * groups.gap(statistics)
    }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        let recalls = groups.recalls(statistics)
        let (least, most) = (Simplex.softmax(recalls.map { -rate * $0 }), Simplex.softmax(recalls.map { rate * $0 }))
        return groups.spread(zip(least, most).map { strictness * ($0 - $1) }, classes: statistics.classes)
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        GradientTerms(recallWeights: multipliers.map { $0 + 1 / Double(statistics.classes) })
    }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double {
        statistics.weightedRecall(multipliers.map { $0 + 1 / Double(statistics.classes) })
    }
}
