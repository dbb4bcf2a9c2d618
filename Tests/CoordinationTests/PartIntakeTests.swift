import Common
import Testing

@testable import Coordination

@Suite struct PartIntakeTests {
    private func part(_ lower: Int, _ upper: Int, piece: Int = 0, step: Int = 3) -> GradientPart {
        GradientPart(step: StepIndex(step), node: TreeNode(lower, upper), index: piece)
    }

    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
    func partsMakeUpAPieceInAnyOrder(order: [Int]) {
        var intake = PartIntake<Int>(shards: 4)
        let nodes = [TreeNode(0, 2), TreeNode(2, 3), TreeNode(3, 4)]
        for index in order.dropLast() {
            #expect(intake.add(part(nodes[index].lower, nodes[index].upper), index) == nil)
        }
        let last = nodes[order.last!]
        #expect(intake.add(part(last.lower, last.upper), order.last!) == [nodes[0]: 0, nodes[1]: 1, nodes[2]: 2])
    }

    @Test func slicesAreApart() {
        var intake = PartIntake<String>(shards: 2)
        #expect(intake.add(part(0, 1, piece: 0), "a") == nil)
        #expect(intake.add(part(1, 2, piece: 1), "b") == nil)
        #expect(intake.add(part(0, 1, piece: 1), "c") == [TreeNode(0, 1): "c", TreeNode(1, 2): "b"])
        #expect(intake.add(part(1, 2, piece: 0), "d") == [TreeNode(0, 1): "a", TreeNode(1, 2): "d"])
    }

    @Test func aSecondCopyIsIgnoredAndAPieceIsSummedOnce() {
        var intake = PartIntake<String>(shards: 2)
        #expect(intake.add(part(0, 1), "first") == nil)
        #expect(intake.add(part(0, 1), "second") == nil)
        #expect(intake.add(part(1, 2), "right") == [TreeNode(0, 1): "first", TreeNode(1, 2): "right"])
        #expect(intake.add(part(0, 2), "all") == nil)
        #expect(intake.add(part(1, 2), "right") == nil)
    }

    @Test func aNewStepEndsTheOneBefore() {
        var intake = PartIntake<Int>(shards: 2)
        #expect(intake.add(part(0, 1, step: 3), 1) == nil)
        #expect(intake.add(part(1, 2, step: 4), 2) == nil)
        #expect(intake.add(part(1, 2, step: 3), 3) == nil, "nobody waits for it any more")
        #expect(intake.add(part(0, 1, step: 4), 4) == [TreeNode(0, 1): 4, TreeNode(1, 2): 2])
        // The same piece is summed again in the step after.
        #expect(intake.add(part(0, 2, step: 5), 5) == [TreeNode(0, 2): 5])
    }

    @Test func whatIsNoNodeIsIgnored() {
        var intake = PartIntake<Int>(shards: 4)
        #expect(intake.add(part(1, 3), 1) == nil)
        #expect(intake.add(part(0, 8), 1) == nil)
        #expect(intake.add(part(0, 4), 2) == [TreeNode(0, 4): 2])
    }

    @Test func overlappingPartsAreNotAdded() {
        var intake = PartIntake<Int>(shards: 4)
        #expect(intake.add(part(0, 1), 1) == nil)
        #expect(intake.add(part(0, 2), 2) == nil)
        #expect(intake.add(part(2, 4), 3) == [TreeNode(0, 2): 2, TreeNode(2, 4): 3])
    }
}
