import Common
import Foundation
import SelMix

/// Statistics of a classifier as a file, for computing gains without any data: what `selmix gain` reads.
public struct GainFile: Decodable {
    var classes: Int
    var featureDimension: Int
    var mixRatioMean: Double
    /// [K, d].
    var classMeans: [[Float]]
    /// [K, d].
    var weight: [[Float]]
    /// [K].
    var bias: [Float]
    /// [K, K]; row = true class.
    var confusionCounts: [[Int64]]
    var objectives: [Entry]

    struct Entry: Decodable {
        var objective: String
        /// Absolute; without one, relative 0.5.
        var distributionTemperature: Double?
        var multiplierRate: Double?
        var multiplierDecay: Double?
        var multipliersBefore: [Double]?
        var alpha: Double?
        var tau: Double?
        var multiplierMax: Double?
        var tailFraction: Double?
        var groups: [[Int]]?
    }

    /// One objective's results; matrices are [K, K].
    public struct Result: Encodable {
        var objective: String
        var unconstrainedGradient: [[Double]]
        var gain: [[Float]]
        var distribution: [[Float]]
        var multipliersAfter: [Double]
    }

    public static func load(_ path: String) throws -> GainFile {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw SelMixError(.invalidInput, "cannot read \(path)", cause: error.localizedDescription)
        }
        do {
            let file = try JSONDecoder().decode(GainFile.self, from: data)
            try file.checkShapes()
            return file
        } catch let error as SelMixError {
            throw error.within(path)
        } catch let error as DecodingError {
            throw SelMixError(
                .invalidInput, "\(path): \(Self.told(error))",
                hint: "see `selmix help gain` for the form of the file")
        }
    }

    /// D, G, P and multipliers of every objective of the file.
    public func evaluate(formula: GainFormula) throws -> [Result] {
        let counts = try ConfusionCounts(classes: classes, counts: confusionCounts.flatMap { $0 })
        // Multipliers come from the raw counts; D from what the formula takes for them.
        let raw = ConfusionStatistics(counts)
        let statistics =
            switch formula {
            case .paper: ConfusionStatistics(smoothing: counts, by: SelMixSettings().diagonalSmoothing)
            case .reference: ConfusionStatistics(published: counts)
            }
        return try objectives.map { entry in
            var settings = ObjectiveSettings(name: entry.objective)
            (settings.rate, settings.decay) = (entry.multiplierRate, entry.multiplierDecay)
            (settings.alpha, settings.tau, settings.multiplierMax) = (entry.alpha, entry.tau, entry.multiplierMax)
            settings.tailFraction = entry.tailFraction
            settings.groups = entry.groups
            let split = try settings.split(trainCounts: (0..<classes).map { classes - $0 })
            let objective = try settings.objective(split: split)
            if let before = entry.multipliersBefore, before.count != classes {
                throw SelMixError(.invalidInput, "\(before.count) multipliersBefore for \(classes) classes")
            }
            let multipliers = objective.multipliers(after: entry.multipliersBefore ?? [], raw)
            let gradient = objective.gradientTerms(statistics, multipliers: multipliers).gradient(statistics)
            let gain = try GainEstimator(formula: formula).gain(
                GainInput(
                    classMeans: Matrix(joining: classMeans), weight: Matrix(joining: weight), bias: bias,
                    gradient: gradient, mixRatioMean: mixRatioMean))
            return Result(
                objective: entry.objective, unconstrainedGradient: gradient.dense.nested, gain: gain.nested,
                distribution: try distribution(entry, gain: gain, formula: formula).probabilities.nested,
                multipliersAfter: multipliers)
        }
    }

    private func distribution(_ entry: Entry, gain: Matrix<Float>, formula: GainFormula) throws -> PairDistribution {
        if let temperature = entry.distributionTemperature, !(temperature > 0) {
            throw SelMixError(.invalidInput, "distributionTemperature is \(temperature)", hint: "it must be positive")
        }
        switch formula {
        case .paper:
            return .selective(
                gain: gain, temperature: entry.distributionTemperature.map { .absolute($0) } ?? .relative(0.5))
        case .reference:
            return .published(
                gain: gain, temperature: entry.distributionTemperature ?? 0.1,
                floor: PairDistribution.publishedFloor(objective: entry.objective))
        }
    }

    private func checkShapes() throws {
        guard classes >= 2, featureDimension >= 1 else {
            throw SelMixError(.invalidInput, "\(classes) classes of dimension \(featureDimension)")
        }
        for (name, rows, columns) in [
            ("classMeans", classMeans.map(\.count), featureDimension),
            ("weight", weight.map(\.count), featureDimension),
            ("confusionCounts", confusionCounts.map(\.count), classes), ("bias", [bias.count], classes),
        ] {
            let expected = name == "bias" ? 1 : classes
            guard rows.count == expected, rows.allSatisfy({ $0 == columns }) else {
                throw SelMixError(
                    .invalidInput, "\(name) is not \(name == "bias" ? "[\(classes)]" : "[\(classes), \(columns)]")")
            }
        }
        guard (0...1).contains(mixRatioMean) else {
            throw SelMixError(.invalidInput, "mixRatioMean is \(mixRatioMean)", hint: "it must be from 0 to 1")
        }
    }

    private static func told(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "`\(key.stringValue)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "no JSON object of this form"
                : "`\(context.codingPath.map(\.stringValue).joined(separator: "."))`: \(context.debugDescription)"
        @unknown default: "unreadable"
        }
    }
}

extension Matrix {
    /// From a list of rows of one length.
    init(joining rows: [[Scalar]]) {
        self.init(rows: rows.count, columns: rows[0].count, values: rows.flatMap { $0 })
    }

    /// As a list of rows.
    var nested: [[Scalar]] { (0..<rows).map { Array(self[row: $0]) } }
}
