import Common
import Testing
import Training

@Suite struct UnlabeledPoolsTests {
    @Test func drawsComeFromTheShardAndTheClass() throws {
        let labels: [Int32] = (0..<97).map { $0 % 5 == 0 ? 0 : $0 % 3 == 0 ? 1 : 3 }
        let values = [Float](repeating: 0, count: 97)
        let file = try TensorFile.decode(
            SafetensorsWriter.encode([TensorContent(name: "x", shape: [97, 1], values: values)])
                .withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: "memory.safetensors")
        let pools = UnlabeledPools(features: try file.tensor("x"), labels: labels, classes: 4, shards: 4)
        let philox = Philox(seed: 4)
        for shard in 0..<4 {
            for label in 0..<4 {
                let expected = Set(labels.indices.filter { $0 % 4 == shard && labels[$0] == label })
                let drawn = Set(
                    (0..<500).compactMap {
                        pools.draw(philox.block(.samples, index: label, slot: $0).low, of: label, in: ShardID(shard))
                    })
                #expect(drawn == expected)
            }
        }
    }
}
