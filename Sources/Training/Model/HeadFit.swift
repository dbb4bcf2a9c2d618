import Common
import SelMix

/// Fits a linear head to rows in one go, pulled towards a given head:
///
///     loss(W, b) + penalty / 2 (E|z|^2 |W - W0|^2 + |b - b0|^2)
///
/// With the factor E|z|^2, the mean squared length of the features, one penalty means the same whatever their scale.
public struct HeadFit: Sendable {
    public var loss: BalancedRows.Loss
    public var penalty: Double
    public var maximalIterations: Int

    public init(_ loss: BalancedRows.Loss, penalty: Double, maximalIterations: Int = 60) {
        (self.loss, self.penalty, self.maximalIterations) = (loss, penalty, maximalIterations)
    }

    /// - Parameters:
    ///   - centre: W0 and b0.
    ///   - start: where the search begins, such as the head of a neighbouring penalty; it changes how long it takes.
    public func callAsFunction(
        _ rows: BalancedRows, towards centre: Parameters, from start: Parameters, loop: BlockLoop = .serial
    ) throws -> Parameters {
        let layout = centre.layout
        let (head, slope) = (start.copy(), Parameters(layout: layout))
        let weightPenalty = penalty * rows.meanSquaredNorm
        var x = Array(UnsafeBufferPointer(start: start.floats, count: layout.count))
        try LBFGS(maximalIterations: maximalIterations, tolerance: 1e-3).minimize(&x) { x, gradient in
            x.withUnsafeBufferPointer { head.floats.update(from: $0.baseAddress!, count: layout.count) }
            var value = try rows.loss(loss, head: head, gradient: slope, loop: loop)
            for entry in layout.entries {
                let strength = entry.decays ? weightPenalty : penalty
                var squares = 0.0
                for i in entry.offset..<entry.offset + entry.count {
                    let away = x[i] - centre.floats[i]
                    squares += Double(away) * Double(away)
                    gradient[i] = slope.floats[i] + Float(strength) * away
                }
                value += strength / 2 * squares
            }
            return value
        }
        x.withUnsafeBufferPointer { head.floats.update(from: $0.baseAddress!, count: layout.count) }
        return head
    }
}
