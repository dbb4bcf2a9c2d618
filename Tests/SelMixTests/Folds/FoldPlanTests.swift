import Common
import SelMix
import Testing

@Suite("Deal of validation rows to folds")
struct FoldPlanTests {
    /// Classes of 10, 3, 1 and 7 rows, in mixed order.
    private static let labels: [Int32] = {
        var labels: [Int32] = []
        for (label, count) in [10, 3, 1, 7].enumerated() { labels += [Int32](repeating: Int32(label), count: count) }
        return labels.enumerated().sorted { ($0.offset * 7919) % 21 < ($1.offset * 7919) % 21 }.map(\.element)
    }()

    @Test func everyFoldHasItsShareOfEveryClass() throws {
        for folds in 2...7 {
            let plan = try FoldPlan(labels: Self.labels, classes: 4, folds: folds, seed: 3)
            for label in 0..<4 {
                let rows = Self.labels.indices.filter { Self.labels[$0] == label }
                let sizes = (0..<folds).map { fold in rows.count { plan.foldOfRow[$0] == fold } }
                #expect(sizes.max()! - sizes.min()! <= 1)
                // A class with fewer rows than folds is held out once for each of them.
                if rows.count < folds { #expect(sizes.max() == 1) }
            }
            let sizes = (0..<folds).map { plan.heldOut(from: $0).count }
            #expect(sizes.max()! - sizes.min()! <= 1)
            #expect(sizes.reduce(0, +) == Self.labels.count)
        }
    }

    @Test func theDealFollowsFromTheSeedAlone() throws {
        let plan = try FoldPlan(labels: Self.labels, classes: 4, folds: 4, seed: 1)
        #expect(try FoldPlan(labels: Self.labels, classes: 4, folds: 4, seed: 1) == plan)
        #expect(try FoldPlan(labels: Self.labels, classes: 4, folds: 4, seed: 2) != plan)
    }

    @Test func equalRowsShareAFold() throws {
        let twins = [5: 2, 9: 2, 20: 11]
        for seed in UInt64(0)..<20 {
            let plan = try FoldPlan(labels: Self.labels, classes: 4, folds: 3, twins: twins, seed: seed)
            for (row, first) in twins { #expect(plan.foldOfRow[row] == plan.foldOfRow[first]) }
        }
    }

    @Test func oneFoldHoldsEverythingOut() throws {
        let plan = try FoldPlan(labels: Self.labels, classes: 4, folds: 1, seed: 0)
        #expect(plan.heldOut(from: 0).count == Self.labels.count)
    }

    @Test func moreFoldsThanRowsOfAnyClassAreRefused() {
        let error = #expect(throws: SelMixError.self) {
            try FoldPlan(labels: Self.labels, classes: 4, folds: 11, seed: 0)
        }
        #expect(error?.message == "`selmix.folds` is 11, and no class has more than 10 different validation rows")
        #expect(error?.code == .invalidInput)
    }
}
