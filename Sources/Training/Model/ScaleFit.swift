import CKernels
import Common
import SelMix

/// Learnable weight scaling (LWS of Kang et al., arXiv 1910.09217): the head's directions stay, and one factor for each
/// class's logit is learned, every class weighing the same.
public enum ScaleFit {
    /// - Parameters:
    ///   - tables: the head's logits, each with its labels and the rows of it that count.
    /// - Returns: the factors, [K].
    public static func factors(
        _ tables: [(logits: LogitTable, labels: [Int32], rows: [Int])], classes: Int
    ) throws -> [Float] {
        var counts = [Int](repeating: 0, count: classes)
        for table in tables { for row in table.rows { counts[Int(table.labels[row])] += 1 } }
        let known = Double(max(1, counts.count { $0 > 0 }))
        var factors = [Float](repeating: 1, count: classes)
        var pushes = [Float](repeating: 0, count: classes)
        try LBFGS(maximalIterations: 60, tolerance: 1e-3).minimize(&factors) { factors, gradient in
            var (loss, sums) = (0.0, [Double](repeating: 0, count: classes))
            for table in tables {
                try table.logits.forEach(table.rows) { row, logits in
                    let label = Int(table.labels[row])
                    let weight = 1 / (known * Double(counts[label]))
                    pushes.withUnsafeMutableBufferPointer { pushes in
                        for k in 0..<classes { pushes[k] = factors[k] * logits[k] }
                        loss +=
                            weight
                            * smx_softmax_cross_entropy(
                                pushes.baseAddress!, classes,
                                smx_target(label: UInt32(label), partner: UInt32(label), ratio: 1, smoothing: 0),
                                Float(weight))
                        for k in 0..<classes { sums[k] += Double(pushes[k]) * Double(logits[k]) }
                    }
                }
            }
            for k in 0..<classes { gradient[k] = Float(sums[k]) }
            return loss
        }
        return factors
    }
}
