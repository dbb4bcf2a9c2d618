import SelMix

/// What a baseline came to, before it is compared.
struct BaselineOutcome: Sendable {
    var baseline: Baseline
    /// What was chosen on validation, such as "tau = 1.5".
    var setting: String?
    /// What is said of each validation row by a head that was not tuned on it.
    var validation: RowPredictions
    var test: RowPredictions?
    /// Tuned on all validation rows, and written.
    var decider: Decider
}
