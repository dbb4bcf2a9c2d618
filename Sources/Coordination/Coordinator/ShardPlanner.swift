import Common

/// Deals logical shards to workers: first evenly, then so that few tree nodes have to be sent.
public enum ShardPlanner {
    /// Deals all `total` shards as contiguous ranges of floor or ceil(total / workers); which worker gets the larger ones
    /// is chosen so that the ranges together have the fewest maximal nodes. Workers beyond `total` get none.
    ///
    /// - Returns: one ascending list a worker, in the workers' order.
    public static func deal(total: Int, workers: Int) -> [[ShardID]] {
        guard workers > 0 else { return [] }
        let active = min(workers, total)
        let (size, larger) = total.quotientAndRemainder(dividingBy: active)

        // best[w][l]: fewest nodes for workers w... with l larger ranges still to give; the position follows from both.
        var best = [[(nodes: Int, takesLarger: Bool)?]](
            repeating: [(nodes: Int, takesLarger: Bool)?](repeating: nil, count: larger + 1), count: active + 1)
        best[active][0] = (0, false)
        func position(worker: Int, left: Int) -> Int { worker * size + (larger - left) }
        for worker in (0..<active).reversed() {
            for left in 0...larger {
                let start = position(worker: worker, left: left)
                for takesLarger in [true, false] {
                    let remaining = takesLarger ? left - 1 : left
                    let end = start + size + (takesLarger ? 1 : 0)
                    guard remaining >= 0, end <= total, let rest = best[worker + 1][remaining] else { continue }
                    let nodes = rest.nodes + nodeCount(start..<end, total: total)
                    if nodes < best[worker][left]?.nodes ?? .max { best[worker][left] = (nodes, takesLarger) }
                }
            }
        }

        var dealt: [[ShardID]] = []
        var start = 0
        var left = larger
        for worker in 0..<active {
            let takesLarger = best[worker][left]!.takesLarger
            let end = start + size + (takesLarger ? 1 : 0)
            dealt.append((start..<end).map { ShardID($0) })
            start = end
            left -= takesLarger ? 1 : 0
        }
        return dealt + [[ShardID]](repeating: [], count: workers - active)
    }

    /// Deals some shards, such as a lost worker's, to workers that already have `load` shards each: always to the one with
    /// the least, in runs of neighbours.
    ///
    /// - Returns: one ascending list a worker, in the workers' order.
    public static func redeal(_ shards: [ShardID], load: [Int]) -> [[ShardID]] {
        // Called with receivers only after a look that there are some.
        precondition(!load.isEmpty, "no worker to deal to")
        var counts = load
        var quota = [Int](repeating: 0, count: load.count)
        for _ in shards {
            let least = counts.indices.min { (counts[$0], $0) < (counts[$1], $1) }!
            counts[least] += 1
            quota[least] += 1
        }
        var rest = shards.sorted()[...]
        return quota.map { number in
            defer { rest = rest.dropFirst(number) }
            return Array(rest.prefix(number))
        }
    }

    private static func nodeCount(_ range: Range<Int>, total: Int) -> Int {
        TreeNode.maximalNodes(of: range.map { ShardID($0) }, total: total).count
    }
}
