import Common
import Foundation

/// Training samples per class of a long-tailed data set.
public enum ClassSizes {
    /// Sizes that fall from `largest` to `smallest` and add up to `samples` exactly.
    ///
    /// Class k of K, at t = k / (K - 1), has largest (smallest / largest)^(t^s) samples. The shape s is what makes the total
    /// right: 1 is the exponential decay of the "-LT" sets of small images, and less has a heavier head, as ImageNet-LT.
    ///
    /// - Parameter samples: the total; nil for s = 1.
    /// - Throws: `usage` when no shape gives the total.
    public static func longTailed(classes: Int, samples: Int?, largest: Int, smallest: Int) throws -> [Int] {
        precondition(classes >= 2 && 1 <= smallest && smallest <= largest)
        func real(_ shape: Double) -> [Double] {
            (0..<classes).map { k in
                let t = pow(Double(k) / Double(classes - 1), shape)
                return Double(largest) * exp(t * log(Double(smallest) / Double(largest)))
            }
        }
        guard let samples else { return real(1).map { min(largest, max(smallest, Int($0.rounded()))) } }

        // The outermost classes have their sizes; the others lie between.
        let least = largest + (classes - 1) * smallest
        let most = (classes - 1) * largest + smallest
        guard (least...most).contains(samples) else {
            throw SelMixError(
                .usage, "\(classes) classes of \(largest) down to \(smallest) samples cannot have \(samples) in all",
                hint: "choose from \(least) to \(most)")
        }
        // The total rises with the shape, so its logarithm is found by halving.
        var (low, high) = (-30.0, 30.0)
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if real(exp2(middle)).reduce(0, +) < Double(samples) { low = middle } else { high = middle }
        }
        return rounded(real(exp2(high)), total: samples, within: smallest...largest)
    }

    /// Whole numbers of the given total, falling, as near as can be: the largest fractions are rounded up.
    private static func rounded(_ sizes: [Double], total: Int, within range: ClosedRange<Int>) -> [Int] {
        var whole = sizes.map { min(range.upperBound, max(range.lowerBound, Int($0.rounded(.down)))) }
        var missing = total - whole.reduce(0, +)
        let inner = sizes.indices.dropFirst().dropLast().sorted { a, b in
            (Double(whole[a]) - sizes[a], a) < (Double(whole[b]) - sizes[b], b)
        }
        // Rarely more than one pass: totals at an end of what is possible.
        while missing != 0 {
            for k in missing > 0 ? inner : inner.reversed() where missing != 0 {
                let moved = whole[k] + missing.signum()
                guard range.contains(moved) else { continue }
                missing -= missing.signum()
                whole[k] = moved
            }
        }
        return whole.sorted(by: >)
    }
}
