import Common
import Testing

@testable import Coordination

@Suite struct ShardPlannerTests {
    @Test func dealsEverythingOnceAndEvenly() {
        for total in 1...24 {
            for workers in 1...12 {
                let dealt = ShardPlanner.deal(total: total, workers: workers)
                #expect(dealt.count == workers)
                #expect(dealt.flatMap(\.self) == (0..<total).map { ShardID($0) }, "\(total) shards, \(workers) workers")
                let sizes = dealt.prefix(min(workers, total)).map(\.count)
                #expect(sizes.max()! - sizes.min()! <= 1)
                #expect(dealt.dropFirst(total).allSatisfy { $0.isEmpty })
            }
        }
        #expect(ShardPlanner.deal(total: 3, workers: 0).isEmpty)
    }

    /// Against every way to choose who takes the larger ranges.
    @Test func sendsTheFewestNodes() {
        for total in 1...16 {
            for workers in 1...min(8, total) {
                let (size, larger) = total.quotientAndRemainder(dividingBy: workers)
                var fewest = Int.max
                for choice in 0..<(1 << workers) where choice.nonzeroBitCount == larger {
                    var start = 0
                    var nodes = 0
                    for worker in 0..<workers {
                        let end = start + size + (choice >> worker & 1)
                        nodes += nodeCount((start..<end).map { ShardID($0) }, total)
                        start = end
                    }
                    fewest = min(fewest, nodes)
                }
                let dealt = ShardPlanner.deal(total: total, workers: workers)
                #expect(dealt.reduce(0) { $0 + nodeCount($1, total) } == fewest, "\(total) shards, \(workers) workers")
            }
        }
    }

    private func nodeCount(_ shards: [ShardID], _ total: Int) -> Int {
        TreeNode.maximalNodes(of: shards, total: total).count
    }

    @Test func orphansGoToWhoHasTheLeast() {
        let orphans = [ShardID(6), ShardID(2), ShardID(3), ShardID(7)]
        let dealt = ShardPlanner.redeal(orphans, load: [3, 0, 1])
        #expect(dealt == [[], [ShardID(2), ShardID(3), ShardID(6)], [ShardID(7)]])
        #expect(ShardPlanner.redeal([ShardID(5)], load: [0, 0]) == [[ShardID(5)], []])
    }

    @Test func redealingLevelsTheLoad() {
        for orphans in 0...9 {
            for load in [[0], [0, 0], [2, 1, 0], [5, 0, 0, 1]] {
                let dealt = ShardPlanner.redeal((0..<orphans).map { ShardID($0) }, load: load)
                #expect(dealt.flatMap(\.self).count == orphans)
                let after = zip(load, dealt).map { $0 + $1.count }
                // Nobody was given a shard while somebody had two fewer.
                for (index, given) in dealt.enumerated() where !given.isEmpty {
                    #expect(after[index] - after.min()! <= 1, "\(orphans) orphans, load \(load)")
                }
            }
        }
    }
}
