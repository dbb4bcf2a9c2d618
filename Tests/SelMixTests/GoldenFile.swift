import Foundation
import SelMix

/// Inputs and outputs of the authors' published code, and of the paper's formula summed in float64.
struct GoldenFile: Decodable {
    struct Case: Decodable, CustomStringConvertible {
        var objective: String
        var distributionTemperature: Double
        var multiplierRate: Double?
        var multiplierDecay: Double?
        var multipliersBefore: [Double]?
        var alpha: Double?
        var tau: Double?
        var multiplierMax: Double?
        var tailFraction: Double?
        var unconstrainedGradient: [[Double]]
        var gainReference: [[Double]]
        var distributionReference: [[Double]]
        var gainPaper: [[Double]]
        var multipliersAfter: [Double]?

        var settings: ObjectiveSettings {
            var settings = ObjectiveSettings(name: objective)
            (settings.rate, settings.decay) = (multiplierRate, multiplierDecay)
            (settings.alpha, settings.tau, settings.multiplierMax) = (alpha, tau, multiplierMax)
            settings.tailFraction = tailFraction
            return settings
        }
        var description: String { objective }
    }

    var classes: Int
    var mixRatioMean: Double
    var classMeans: [[Double]]
    var weight: [[Double]]
    var bias: [Double]
    var confusionCounts: [[Int64]]
    var objectives: [Case]

    static let names = ["selmix-k10", "selmix-k20", "selmix-k40-head-tail"]

    static func load(_ name: String) throws -> GoldenFile {
        let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Golden")!
        return try JSONDecoder().decode(GoldenFile.self, from: Data(contentsOf: url))
    }

    var counts: ConfusionCounts {
        get throws { try ConfusionCounts(classes: classes, counts: confusionCounts.flatMap { $0 }) }
    }

    /// In the golden files classes are in order of decreasing frequency.
    func split(_ entry: Case) throws -> ClassSplit {
        try entry.settings.split(trainCounts: (0..<classes).map { classes - $0 })
    }

    func scalarGain(_ entry: Case, _ formula: GainFormula) -> Matrix<Double> {
        GainReference.gain(
            classMeans: Matrix(classMeans), weight: Matrix(weight), bias: bias,
            gradient: Matrix(entry.unconstrainedGradient), mixRatioMean: mixRatioMean, formula: formula)
    }

    func input(gradient: SparseMatrix) -> GainInput {
        GainInput(
            classMeans: Matrix(classMeans).map(Float.init), weight: Matrix(weight).map(Float.init),
            bias: bias.map(Float.init), gradient: gradient, mixRatioMean: mixRatioMean)
    }
}

extension Matrix {
    init(_ rows: [[Scalar]]) {
        self.init(rows: rows.count, columns: rows.first?.count ?? 0, values: rows.flatMap { $0 })
    }
}

extension Matrix where Scalar: BinaryFloatingPoint {
    func largestDifference(from other: [[Double]]) -> Double {
        zip(values, other.joined()).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    }
}
