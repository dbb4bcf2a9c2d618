/// Minimises a smooth function of many numbers by limited-memory BFGS (Liu and Nocedal, 1989).
///
/// Steps are shortened until the function falls as far as its slope promises (Armijo); a pair of steps that shows no
/// positive curvature is left out of the memory. Inner products are summed in float64, one after another, so the result
/// depends on nothing but the function.
public struct LBFGS: Sendable {
    /// Pairs of steps that are remembered.
    public var memory = 6
    public var maximalIterations: Int
    /// The gradient's length, as a fraction of that at the start, at which it ends.
    public var tolerance: Double

    public init(maximalIterations: Int = 100, tolerance: Double = 1e-4) {
        (self.maximalIterations, self.tolerance) = (maximalIterations, tolerance)
    }

    private struct Pair {
        var step: [Float]
        var change: [Float]
        var inverseCurvature: Double
    }

    /// - Parameters:
    ///   - x: where to begin; holds the minimum afterwards.
    ///   - evaluate: returns the value at its first argument and writes the gradient there into the second.
    /// - Returns: the value that was reached, and after how many iterations.
    @discardableResult
    public func minimize(
        _ x: inout [Float], _ evaluate: ([Float], inout [Float]) throws -> Double
    ) rethrows -> (value: Double, iterations: Int) {
        var gradient = [Float](repeating: 0, count: x.count)
        var value = try evaluate(x, &gradient)
        let start = Self.dot(gradient, gradient).squareRoot()
        var pairs: [Pair] = []
        for iteration in 0..<maximalIterations {
            let length = Self.dot(gradient, gradient).squareRoot()
            if length <= tolerance * start || length == 0 { return (value, iteration) }
            let direction = direction(gradient, pairs)
            let slope = Self.dot(direction, gradient)
            guard slope < 0 else { return (value, iteration) }
            var size = pairs.isEmpty ? min(1, 1 / length) : 1
            var (next, nextGradient) = (x, gradient)
            var nextValue = Double.infinity
            for _ in 0..<30 {
                for i in x.indices { next[i] = x[i] + Float(size) * direction[i] }
                nextValue = try evaluate(next, &nextGradient)
                if nextValue <= value + 1e-4 * size * slope { break }
                size /= 2
            }
            guard nextValue < value else { return (value, iteration) }
            var pair = Pair(step: next, change: nextGradient, inverseCurvature: 0)
            for i in x.indices {
                pair.step[i] -= x[i]
                pair.change[i] -= gradient[i]
            }
            let curvature = Self.dot(pair.step, pair.change)
            if curvature > 1e-12 * Self.dot(pair.change, pair.change) {
                pair.inverseCurvature = 1 / curvature
                pairs.append(pair)
                if pairs.count > memory { pairs.removeFirst() }
            }
            (x, gradient, value) = (next, nextGradient, nextValue)
        }
        return (value, maximalIterations)
    }

    /// Minus the inverse Hessian's estimate times the gradient: the two loops of the original paper.
    private func direction(_ gradient: [Float], _ pairs: [Pair]) -> [Float] {
        var q = gradient
        var weights = [Double](repeating: 0, count: pairs.count)
        for (index, pair) in pairs.enumerated().reversed() {
            weights[index] = pair.inverseCurvature * Self.dot(pair.step, q)
            Self.add(pair.change, scaledBy: -weights[index], to: &q)
        }
        if let last = pairs.last {
            let scale = Float(1 / (last.inverseCurvature * Self.dot(last.change, last.change)))
            for i in q.indices { q[i] *= scale }
        }
        for (index, pair) in pairs.enumerated() {
            let back = pair.inverseCurvature * Self.dot(pair.change, q)
            Self.add(pair.step, scaledBy: weights[index] - back, to: &q)
        }
        for i in q.indices { q[i] = -q[i] }
        return q
    }

    private static func dot(_ a: [Float], _ b: [Float]) -> Double {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var sum = 0.0
                for i in a.indices { sum += Double(a[i]) * Double(b[i]) }
                return sum
            }
        }
    }

    private static func add(_ a: [Float], scaledBy scale: Double, to b: inout [Float]) {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeMutableBufferPointer { b in
                let scale = Float(scale)
                for i in a.indices { b[i] += scale * a[i] }
            }
        }
    }
}
