import Foundation

/// The gain by its definition, summed in float64 over all pairs and logits: the oracle of ``GainEstimator``.
///
/// G_ij = sum_{k,l} D_kl (delta_il - p_ij,l) (zeta_ij . z_k), with zeta_ij = beta z_i + (1 - beta) z_j and
/// p_ij = softmax(W zeta_ij + b) (paper, theorem 4.1). It takes K^4 multiplications: for tests and small K.
public enum GainReference {
    /// - Parameters:
    ///   - classMeans: Z [K, d].
    ///   - weight: W [K, d].
    ///   - bias: b [K].
    ///   - gradient: D [K, K].
    ///   - beta: the mean of the mix ratio.
    public static func gain(
        classMeans z: Matrix<Double>, weight w: Matrix<Double>, bias: [Double], gradient: Matrix<Double>,
        mixRatioMean beta: Double, formula: GainFormula
    ) -> Matrix<Double> {
        let classes = z.rows
        var gain = Matrix<Double>(rows: classes, columns: classes, repeating: 0)
        for i in 0..<classes {
            for j in 0..<classes {
                gain[i, j] = entry(
                    i, j, classMeans: z, weight: w, bias: bias, gradient: gradient, mixRatioMean: beta, formula: formula
                )
            }
        }
        return gain
    }

    /// G_ij of one pair.
    public static func entry(
        _ i: Int, _ j: Int, classMeans z: Matrix<Double>, weight w: Matrix<Double>, bias: [Double],
        gradient: Matrix<Double>, mixRatioMean beta: Double, formula: GainFormula
    ) -> Double {
        let classes = z.rows
        let mixed = (0..<z.columns).map { beta * z[i, $0] + (1 - beta) * z[j, $0] }
        let probabilities = Simplex.softmax((0..<classes).map { bias[$0] + dot(w[row: $0], mixed) })
        var gain = 0.0
        for k in 0..<classes {
            let similarity = dot(z[row: k], mixed)
            // The published code takes z_i in place of the mixed feature in the label's own term.
            let own = formula == .paper ? similarity : dot(z[row: k], Array(z[row: i]))
            gain += gradient[k, i] * own
            for l in 0..<classes { gain -= gradient[k, l] * probabilities[l] * similarity }
        }
        return gain
    }

    private static func dot(_ a: ArraySlice<Double>, _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
