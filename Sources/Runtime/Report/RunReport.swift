import Common
import Coordination
import Foundation
import SelMix

/// report.json: what a run was, and what it made of its head.
public struct RunReport: Sendable, Codable {
    /// Metrics of one head on the splits that there are.
    public struct Scores: Sendable, Codable {
        public var validation: Metrics
        public var test: Metrics?
    }

    public var format = 1
    public var version: String
    public var runID: String
    public var name: String
    public var objective: String
    public var policy: String
    /// finished, converged (before the last round), interrupted or failed.
    public var outcome: String
    public var started: Date
    public var seconds: Double
    /// Workers that took part, at most at one time.
    public var workers: Int
    /// Rounds that were trained to their end.
    public var rounds: Int
    public var roundsPlanned: Int
    public var stepsPerRound: Int
    /// The round whose head was written; round 0 is the head as brought.
    public var bestRound: Int
    public var classes: Int
    public var featureDimension: Int
    public var shards: Int
    public var batch: Int
    public var precision: String
    public var seed: UInt64
    public var instructionSet: String
    public var configurationDigest: String
    /// Of the last step's weights.
    public var weightsDigest: String
    /// Of the weights in head.safetensors.
    public var headDigest: String
    /// Of training steps, without validation and selection.
    public var samplesPerSecond: Double
    /// Training samples per class, [K].
    public var trainCounts: [Int]
    /// Unlabelled samples under each class's pseudo-label in the last selection, [K]; nil without unlabelled data.
    public var pseudoLabelCounts: [Int]?
    /// Class indices of the head; the others are the tail.
    public var headClasses: [Int]
    public var before: Scores
    public var after: Scores
    public var history: [RoundReport]
    /// Messages and connections that were refused, by reason.
    public var rejections: RejectionCounts
    /// Workers that computed wrongly, and how that showed.
    public var quarantined: [QuarantinedWorker] = []
    /// What is probably not meant, such as the same samples in validation and train; nil in reports of earlier versions.
    public var warnings: [String]?
    /// What else was tried on the same data; empty unless the job asks for it.
    public var baselines: [BaselineReport] = []
    /// Which of them is best for the objective, and whether this run is ahead of it beyond chance.
    public var verdict: BaselineVerdict?
    /// Which classes lost, on test where there is one, otherwise on validation.
    public var classChanges: ClassChanges?
    /// What the objective won, with the interval that a bootstrap over rows gives.
    public var objectiveChange: BaselineReport.Comparison?
    /// Classes that have fewer validation rows than ``fewestToMeasure``: their recalls are hardly measured.
    public var scarceClasses: [Int]?

    /// With 50 rows a recall of .8 is known to within about .11.
    public static let fewestToMeasure = 50
}

/// A worker that computed wrongly.
public struct QuarantinedWorker: Sendable, Codable, Equatable {
    public var worker: String
    public var host: String
    public var reason: String
}

extension JSONEncoder {
    /// As every file of a run is written: sorted keys, ISO 8601 dates.
    static var report: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }
}
