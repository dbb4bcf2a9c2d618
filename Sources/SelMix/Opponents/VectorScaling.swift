import CKernels
import Common

/// Calibrated class probabilities from logits: softmax(logits / temperature + offsets), fitted on labelled rows by maximum
/// likelihood (bias-corrected temperature scaling: Guo et al., arXiv 1706.04599; Alexandari et al., arXiv 1901.06852).
///
/// A long-tailed head's softmax speaks of the training set's priors and is too sure of itself. Plug-in methods need the
/// probabilities of the population that the objective is about, which is that of the validation rows.
public struct VectorScaling: Sendable, Equatable {
    public var inverseTemperature: Float
    /// [K]
    public var offsets: [Float]

    public init(inverseTemperature: Float, offsets: [Float]) {
        (self.inverseTemperature, self.offsets) = (inverseTemperature, offsets)
    }

    /// Writes the probabilities of one row, [K].
    public func probabilities(_ logits: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>) {
        for k in offsets.indices { result[k] = logits[k] * inverseTemperature + offsets[k] }
        smx_softmax(result, offsets.count)
    }

    /// - Parameters:
    ///   - start: what the offsets begin at and are pulled back to, such as log of target over training frequency, [K].
    ///   - rows: how many rows there are.
    ///   - forEachRow: calls its argument with the label and the logits of every row; once an iteration.
    public static func fit(
        offsets start: [Float], rows: Int,
        forEachRow: ((_ label: Int, _ logits: UnsafePointer<Float>) -> Void) throws -> Void
    ) throws -> VectorScaling {
        let classes = start.count
        var parameters = [Float(1)] + start
        // As much as half a sample a class says: enough that a class that is never confused stays finite.
        let pull = 0.5 / Double(max(1, rows))
        var pushes = [Float](repeating: 0, count: classes)
        try LBFGS(maximalIterations: 60, tolerance: 1e-3).minimize(&parameters) { parameters, gradient in
            var (loss, slope) = (0.0, 0.0)
            var sums = [Double](repeating: 0, count: classes)
            let scale = 1 / Float(max(1, rows))
            try forEachRow { label, logits in
                pushes.withUnsafeMutableBufferPointer { pushes in
                    for k in 0..<classes { pushes[k] = logits[k] * parameters[0] + parameters[k + 1] }
                    loss += smx_softmax_cross_entropy(
                        pushes.baseAddress!, classes,
                        smx_target(label: UInt32(label), partner: UInt32(label), ratio: 1, smoothing: 0), scale)
                    var own = 0.0
                    for k in 0..<classes { own += Double(pushes[k]) * Double(logits[k]) }
                    slope += own
                    sums.withUnsafeMutableBufferPointer {
                        smx_accumulate(pushes.baseAddress!, $0.baseAddress!, classes)
                    }
                }
            }
            loss /= Double(max(1, rows))
            gradient[0] = Float(slope)
            for k in 0..<classes {
                let away = Double(parameters[k + 1] - start[k])
                loss += pull / 2 * away * away
                gradient[k + 1] = Float(sums[k] + pull * away)
            }
            return loss
        }
        return VectorScaling(inverseTemperature: parameters[0], offsets: Array(parameters.dropFirst()))
    }
}
