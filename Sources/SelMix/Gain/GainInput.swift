/// What the gain is a function of: K classes, features of dimension d.
public struct GainInput: Sendable {
    /// Z [K, d]: mean feature of each class over the validation split.
    public var classMeans: Matrix<Float>
    /// W [K, d] of the head.
    public var weight: Matrix<Float>
    /// b [K] of the head.
    public var bias: [Float]
    /// D [K, K]: the objective's gradient by the unconstrained confusion matrix.
    public var gradient: SparseMatrix
    /// beta: the mean of the mix ratio.
    public var mixRatioMean: Double

    public init(
        classMeans: Matrix<Float>, weight: Matrix<Float>, bias: [Float], gradient: SparseMatrix, mixRatioMean: Double
    ) {
        let classes = classMeans.rows
        precondition(weight.rows == classes && weight.columns == classMeans.columns && bias.count == classes)
        precondition(gradient.rows == classes && gradient.columns == classes)
        self.classMeans = classMeans
        self.weight = weight
        self.bias = bias
        self.gradient = gradient
        self.mixRatioMean = mixRatioMean
    }

    public var classes: Int { classMeans.rows }
}

/// Which expression of the gain is computed.
public enum GainFormula: String, Sendable, Codable, CaseIterable {
    /// The paper's: beta A_ii + (1 - beta) A_ji - T_ij / N_ij.
    case paper
    /// What the authors' published code computes: A_ii - T_ij / N_ij.
    case reference
}
