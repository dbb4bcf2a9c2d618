import Foundation

/// The gain by its definition, summed in float64 over all pairs and logits: the oracle of ``GainEstimator``.
///
/// G_ij = sum_{k,l} D_kl (delta_il - p_ij,l) (zeta_ij . z_k), with zeta_ij = beta z_i + (1 - beta) z_j and
/// p_ij = softmax(W zeta_ij + b) (paper, theorem 4.1). It takes K^4 multiplications: for tests and small K.
public enum GainReference {
    public static func gain(_ input: GainInput, formula: GainFormula) -> Matrix<Double> {
        let classes = input.classes
        let dimension = input.classMeans.columns
        let beta = input.mixRatioMean
        let z = input.classMeans.map(Double.init)
        let w = input.weight.map(Double.init)
        var gain = Matrix<Double>(rows: classes, columns: classes, repeating: 0)
        for i in 0..<classes {
            for j in 0..<classes {
                let mixed = (0..<dimension).map { beta * z[i, $0] + (1 - beta) * z[j, $0] }
                let logits = (0..<classes).map { l in
                    Double(input.bias[l]) + dot(w[row: l], mixed)
                }
                let probabilities = Simplex.softmax(logits)
                for k in 0..<classes {
                    let similarity = dot(z[row: k], mixed)
                    // The published code takes z_i in place of the mixed feature in the label's own term.
                    let own = formula == .paper ? similarity : dot(z[row: k], Array(z[row: i]))
                    gain[i, j] += input.gradient[k, i] * own
                    for l in 0..<classes { gain[i, j] -= input.gradient[k, l] * probabilities[l] * similarity }
                }
            }
        }
        return gain
    }

    private static func dot(_ a: ArraySlice<Double>, _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
