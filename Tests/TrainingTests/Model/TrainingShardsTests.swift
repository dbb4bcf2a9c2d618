import Common
import Testing
import Training

@Suite struct TrainingShardsTests {
    /// Class 0 is dealt among 4 shards (at least 32 samples), class 1 is held whole by each.
    static let labels: [Int32] = (0..<131).map { $0 % 4 == 3 ? 1 : 0 }

    @Test func largeClassesAreDealtAndSmallOnesHeldWhole() {
        let shards = TrainingShards(labels: Self.labels.map { $0 } + [2, 2], classes: 3, shards: 4)
        let dealt = (0..<4).map { shard in
            (0..<shards.count(of: 0, in: ShardID(shard))).map { shards.sample($0, of: 0, in: ShardID(shard)) }
        }
        #expect(dealt.flatMap { $0 }.sorted() == Self.labels.indices.filter { Self.labels[$0] == 0 })
        #expect(dealt.map(\.count).max()! - dealt.map(\.count).min()! <= 1)
        for shard in 0..<4 {
            #expect(shards.count(of: 2, in: ShardID(shard)) == 2)
            #expect((0..<2).map { shards.sample($0, of: 2, in: ShardID(shard)) } == [131, 132])
        }
    }

    @Test func everySampleOfALargeClassBelongsToOneShardForAnyCount() {
        for count in [64, 65, 66, 67, 68, 69, 70, 71, 200] {
            for classes in 1...3 {
                let labels = (0..<classes).flatMap { [Int32](repeating: Int32($0), count: count) }
                let shards = TrainingShards(labels: labels, classes: classes, shards: 8)
                for k in 0..<classes {
                    let all = (0..<8).flatMap { shard in
                        (0..<shards.count(of: k, in: ShardID(shard))).map {
                            shards.sample($0, of: k, in: ShardID(shard))
                        }
                    }
                    #expect(all.sorted() == Array(k * count..<(k + 1) * count))
                }
            }
        }
    }

    @Test func drawsStayWithinTheShardAndReachAllOfIt() {
        let shards = TrainingShards(labels: Self.labels, classes: 2, shards: 4)
        let philox = Philox(seed: 8)
        let shard = ShardID(2)
        let own = Set((0..<shards.count(of: 0, in: shard)).map { shards.sample($0, of: 0, in: shard) })
        let drawn = Set(
            (0..<2000).map { shards.draw(philox.block(.samples, index: 0, slot: $0).low, of: 0, in: shard) })
        #expect(drawn == own)
    }
}
