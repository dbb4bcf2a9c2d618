import Common
import Testing

@testable import Runtime

@Suite struct DescriptorBudgetTests {
    @Test func tooFewAreSaidWithTheNumberThatIsNeeded() throws {
        let error = #expect(throws: SelMixError.self) {
            try DescriptorBudget(limit: 80, workers: 12, children: 12 * DescriptorBudget.child)
        }
        #expect(error?.message == "too many open files: a run with 12 workers needs 112, and this process may have 80")
        #expect(error?.hint == "raise the limit with `ulimit -n 1024`, or take fewer workers")
    }

    @Test(arguments: [112, 113, 200, 1024, 4096, 20_000, 65_536, 1 << 30])
    func whatIsGivenAwayLeavesRoomForFiles(limit: Int) throws {
        let budget = try DescriptorBudget(limit: limit, workers: 12, children: 36)
        #expect(budget.connections >= 24, "all workers can connect")
        #expect((4...256).contains(budget.http))
        let left = limit - DescriptorBudget.own - 36 - budget.connections - budget.http
        #expect(left >= DescriptorBudget.files)
        #expect(limit < 1024 || left >= 100)
    }
}
