import Foundation
import SelMix
import Training

/// gain-diagnosis.json: how well the gain estimate orders class pairs.
public struct GainDiagnosisReport: Sendable, Codable {
    /// One class pair; both figures are the change of the objective per unit of learning rate.
    public struct Pair: Sendable, Codable, Equatable {
        public var label: Int
        public var with: Int
        /// G_ij.
        public var estimated: Double
        /// Of a small true step.
        public var measured: Double
    }

    public var format = 1
    public var version = Version.current
    public var name: String
    public var head: String
    public var objective: String
    public var formula: String
    /// Whether the head was trained on the validation rows, all or those of the other folds.
    public var trainedOnValidation: Bool
    /// The digest of G and P; a run of the same job logs the same for its round 0.
    public var selection: String
    public var seed: UInt64
    public var classes: Int
    public var featureDimension: Int
    /// Mixed samples of each measured step.
    public var slots: Int
    /// What the estimate is computed from.
    public var validationSamples: Int
    /// What the soft confusion matrix is taken over: at most ``rowsPerClass`` samples of each class.
    public var validationRows: Int
    public var rowsPerClass: Int
    /// Spearman's rank correlation of estimate and measurement; nil where one of them is constant.
    public var spearman: Double?
    public var pearson: Double?
    /// What that means, in a sentence.
    public var meaning: String
    /// The largest estimate first.
    public var pairs: [Pair]

    init(
        _ run: PreparedRun, head: String, isTrainedOnValidation: Bool,
        selection: TrainingEngine.RoundSelection, seed: UInt64,
        rows: SoftConfusion.Rows, rowsPerClass: Int, pairs: [Pair]
    ) {
        name = run.job.name
        self.head = head
        trainedOnValidation = isTrainedOnValidation
        objective = run.job.objective.name
        formula = run.job.selmix.formula.rawValue
        self.selection = selection.digest.description
        self.seed = seed
        (classes, featureDimension) = (run.classes, run.dimension)
        slots = StepMeasurement.slots
        (validationSamples, validationRows) = (run.validation.count, rows.count)
        self.rowsPerClass = rowsPerClass
        let (estimated, measured) = (pairs.map(\.estimated), pairs.map(\.measured))
        spearman = Correlation.spearman(estimated, measured)
        pearson = Correlation.pearson(estimated, measured)
        meaning = Self.meaning(spearman: spearman, pearson: pearson, pairs: pairs.count)
        self.pairs = pairs.sorted { $0.estimated > $1.estimated }
    }

    /// - Parameter pairs: how many the correlations are over; fewer leave more to chance.
    static func meaning(spearman: Double?, pearson: Double?, pairs: Int) -> String {
        guard let spearman, let pearson else {
            return "Estimate or measurement is the same for all pairs, so there is no order to compare."
        }
        // Unrelated figures correlate by more than this once in 20 times.
        let chance = 2 / Double(max(1, pairs - 1)).squareRoot()
        let floor = max(0.3, chance)
        // Where few pairs matter and the rest do next to nothing, the order of the rest is not worth much.
        let large = pearson >= max(0.7, chance) ? " The pairs with large effects are told from the others, though." : ""
        return switch spearman {
        case ..<(-floor): "The estimate orders pairs against what steps do: do not trust the selection for this head."
        case ..<floor: "The estimate says little about the order of what steps do." + large
        case ..<0.7: "The estimate follows what steps do in part: better than chance, not sharp." + large
        default: "The estimate orders pairs as small true steps do: the selection picks pairs that help."
        }
    }

    /// Writes gain-diagnosis.json and gain-diagnosis.html.
    public func write(to directory: DiagnosisDirectory) throws {
        try directory.write(JSONEncoder.report.encode(self) + [UInt8(ascii: "\n")], to: "gain-diagnosis.json")
        try directory.write(Data(GainDiagnosisPage.render(self).utf8), to: "gain-diagnosis.html")
    }
}
