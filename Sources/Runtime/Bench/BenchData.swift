import Common
import Coordination
import SelMix

/// Made-up inputs of a given shape for the program's own figures.
enum BenchData {
    /// Uniform in [-scale, scale].
    static func matrix(rows: Int, columns: Int, scale: Float, lane: UInt32) -> Matrix<Float> {
        let philox = Philox(seed: 1)
        let values = (0..<rows * columns).map { index in
            Float(philox.block(.synthesis, index: 0, slot: index, lane: lane).low.unitInterval * 2 - 1) * scale
        }
        return Matrix(rows: rows, columns: columns, values: values)
    }

    /// The least time of several runs, after one that does not count: what the machine can do when nobody else disturbs.
    static func leastSeconds(repeats: Int = 5, _ body: () throws -> Void) rethrows -> Double {
        try body()
        var least = Double.infinity
        for _ in 0..<repeats {
            let start = SystemClock.now
            try body()
            least = min(least, (SystemClock.now - start).seconds)
        }
        return least
    }
}
