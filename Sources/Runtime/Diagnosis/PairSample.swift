import Common
import SelMix

/// Which class pairs a diagnosis measures: half drawn from those with the largest gains, which decide what a run trains
/// on, and half from all. No pair is drawn twice.
enum PairSample {
    /// How many of all pairs count as those with the largest gains, unless more of them are wanted.
    private static let largestPart = 0.01

    /// - Parameter count: the pairs wanted; all pairs where there are no more.
    static func draw(_ count: Int, gain: Matrix<Float>, seed: UInt64) -> [ClassPair] {
        let values = gain.values
        let count = min(count, values.count)
        let half = count / 2
        let largest = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
            .prefix(max(half, Int(largestPart * Double(values.count))))

        let philox = Philox(seed: seed)
        var drawn: [Int] = []
        var known: Set<Int> = []
        func draw(to target: Int, lane: UInt32, from size: Int, _ entry: (Int) -> Int) {
            var slot = 0
            while drawn.count < target {
                let index = entry(philox.block(.diagnosis, index: 0, slot: slot, lane: lane).low.scaled(to: size))
                slot += 1
                if known.insert(index).inserted { drawn.append(index) }
            }
        }
        draw(to: half, lane: 0, from: largest.count) { largest[$0] }
        draw(to: count, lane: 1, from: values.count) { $0 }
        return drawn.map { ClassPair(label: $0 / gain.columns, partner: $0 % gain.columns) }
    }
}
