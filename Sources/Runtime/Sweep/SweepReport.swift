import Common
import Foundation
import SelMix

/// sweep.json: what each run of a sweep came to.
public struct SweepReport: Sendable, Codable {
    /// One combination of the varied settings.
    public struct Run: Sendable, Codable {
        /// The varied settings, by key.
        public var settings: [String: String]
        public var directory: String
        /// finished, converged, interrupted or failed.
        public var outcome: String
        /// The name of the run's objective.
        public var objective: String
        /// The objective's value on validation in the best round; nil, as is what follows, when the run ended before there
        /// was anything to report.
        public var value: Double?
        public var bestRound: Int?
        public var seconds: Double?
        public var validation: Metrics?
        public var test: Metrics?
        /// Whether this is the best on validation among the finished runs with the same objective; values of different
        /// objectives cannot be compared.
        public var best = false
        /// What else was tried on the same data; empty unless the job asks for it.
        public var baselines: [BaselineReport]?
        /// What ended a run that did not finish.
        public var error: String?

        /// Which of ``baselines`` is best for the objective, and by how much this run is ahead of it.
        public var bestBaseline: BaselineVerdict? { baselines.flatMap(BaselineVerdict.init) }

        public var isFinished: Bool { error == nil }
    }

    public var format = 1
    public var version = Version.current
    public var name: String
    /// The varied settings, in the order in which they were given.
    public var keys: [String]
    /// How many combinations there are.
    public var planned: Int
    /// The runs that were begun, in order.
    public var runs: [Run] = []

    /// The directories of a sweep's runs that left a report, in order; nil for a directory that is not a sweep's.
    public static func runs(below directory: String) throws -> [String]? {
        let path = directory + "/sweep.json"
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(SweepReport.self, from: data).runs.filter { $0.value != nil }.map {
                // By their names, so that a sweep may have been moved.
                directory + "/" + URL(fileURLWithPath: $0.directory).lastPathComponent
            }
        } catch {
            throw SelMixError(.invalidInput, "\(path) is no list of runs, or one of another version", cause: "\(error)")
        }
    }

    /// Marks the best runs: by the objective, ties by the harmonic mean, then the earlier run.
    mutating func markBest() {
        var best: [String: Int] = [:]
        for (index, run) in runs.enumerated() where run.isFinished {
            guard let score = run.score else { continue }
            if let other = best[run.objective].flatMap({ runs[$0].score }), score <= other { continue }
            best[run.objective] = index
        }
        for index in runs.indices { runs[index].best = best[runs[index].objective] == index }
    }
}

extension SweepReport.Run {
    /// - Parameters:
    ///   - report: of the run; nil when there is none.
    ///   - error: what ended it, if it did not finish.
    init(_ member: Sweep.Member, report: RunReport?, error: (any Error)? = nil) {
        settings = Dictionary(uniqueKeysWithValues: member.settings.map { ($0.key, $0.value) })
        directory = member.run.job.output
        objective = member.run.job.objective.name
        outcome = report?.outcome ?? "failed"
        value = report.flatMap { report in report.history.first { $0.round == report.bestRound }?.objective }
        bestRound = report?.bestRound
        seconds = report?.seconds
        validation = report?.after.validation
        test = report?.after.test
        baselines = report.map(\.baselines)
        self.error = error.map { "\($0)" }
    }

    fileprivate var score: (Double, Double)? {
        guard let value, let validation else { return nil }
        return (value, validation.hMean)
    }
}
