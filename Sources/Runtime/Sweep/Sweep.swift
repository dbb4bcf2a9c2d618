import Common
import Foundation
import Synchronization
import Training

/// Runs of one job with settings varied: every combination, one after another, each in a directory of its own.
///
/// All combinations are loaded and checked when this is made, so that a mistake in the last one shows before the first has
/// cost any time.
public struct Sweep: Sendable {
    /// One combination.
    public struct Member: Sendable {
        public let settings: [(key: String, value: String)]
        public let run: PreparedRun

        /// "objective=min-recall, seed=1".
        public var title: String { Sweep.title(settings) }
    }

    /// The directory that holds those of the runs, and sweep.json.
    public let directory: String
    public let members: [Member]
    private let name: String
    private let keys: [String]

    /// - Parameters:
    ///   - path: the job file.
    ///   - overrides: `key.path=value`, applied before the varied settings.
    ///   - axes: the varied settings, each with a key of its own; the last one varies fastest.
    ///   - directory: nil for the job's output with `-sweep` behind it.
    /// - Throws: the first thing that is wrong with any of the combinations.
    public init(job path: String, overrides: [String], axes: [SweepAxis], directory: String?) throws {
        keys = axes.map(\.key)
        if Set(keys).count < keys.count {
            throw SelMixError(
                .usage, "`\(keys[0])` is varied twice", hint: "give all its values to one --vary, separated by commas")
        }
        let combinations = axes.reduce([[(key: String, value: String)]]([[]])) { combinations, axis in
            combinations.flatMap { combination in axis.values.map { combination + [(axis.key, $0)] } }
        }
        let jobs = try combinations.map { settings in
            try JobFile.load(path, overrides: overrides + settings.map { "\($0.key)=\($0.value)" })
        }
        name = jobs[0].name
        let output = directory ?? jobs[0].output + "-sweep"
        self.directory = output
        try Self.refuseOccupied(output)
        members = try zip(zip(combinations, jobs), Self.folders(combinations)).map { pair, folder in
            var (settings, job) = pair
            job.output = output + "/" + folder
            job.name += ", " + Self.title(settings)
            do {
                return Member(settings: settings, run: try PreparedRun(job))
            } catch let error as SelMixError {
                throw error.within(Self.title(settings))
            }
        }
    }

    /// Runs everything. sweep.json is there from the first run on, and stays when a later one fails.
    ///
    /// - Parameters:
    ///   - announce: told before each run which one it is.
    ///   - train: runs one member to its end.
    /// - Throws: what ended a run that did not finish.
    public func callAsFunction(
        announce: (String) -> Void, train: (PreparedRun) async throws -> RunReport
    ) async throws -> SweepReport {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // Each run listens for signals too; this one hears those that come between two runs.
        let stop = StopRequest()
        let signals = StopSignals(onStop: stop.set)
        defer { signals.release() }
        var report = SweepReport(name: name, keys: keys, planned: members.count)
        for (index, member) in members.enumerated() {
            if let reason = stop.reason {
                throw SelMixError(
                    .interrupted, "the sweep was interrupted (\(reason)) after \(index) of \(members.count) runs",
                    hint: "what is there is in \(directory)")
            }
            announce("run \(index + 1) of \(members.count): \(member.title)")
            do {
                report.runs.append(.init(member, report: try await train(member.run)))
            } catch {
                report.runs.append(.init(member, report: Self.report(in: member.run.job.output), error: error))
                try write(&report)
                throw (error as? SelMixError)?.within(member.title) ?? error
            }
            try write(&report)
        }
        return report
    }

    private func write(_ report: inout SweepReport) throws {
        report.markBest()
        let content = try JSONEncoder.report.encode(report) + [UInt8(ascii: "\n")]
        try AtomicFile.write(to: directory + "/sweep.json") { sink in
            try content.withUnsafeBytes { try sink.write($0) }
        }
    }

    /// What a run that did not finish has reported nevertheless.
    private static func report(in directory: String) -> RunReport? {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return FileManager.default.contents(atPath: directory + "/" + RunDirectory.Name.report)
            .flatMap { try? decoder.decode(RunReport.self, from: $0) }
    }

    /// Two sweeps in one directory would mix their runs.
    private static func refuseOccupied(_ directory: String) throws {
        let there = try? FileManager.default.contentsOfDirectory(atPath: directory)
        guard let there, !there.isEmpty else { return }
        throw SelMixError(
            .failed, "the directory \(directory) is not empty",
            hint: "choose another --output, or move that directory away")
    }

    /// A directory name for each combination: its values with a hyphen between them.
    static func folders(_ combinations: [[(key: String, value: String)]]) -> [String] {
        var taken: Set<String> = []
        return combinations.map { settings in
            let name = settings.map { plain($0.value) }.joined(separator: "-")
            // Values may differ only in what a directory's name leaves out.
            let free = (1...).lazy.map { $0 == 1 ? name : "\(name)-\($0)" }.first { !taken.contains($0) }!
            taken.insert(free)
            return free
        }
    }

    /// A value as part of a file name: letters, digits and few signs, with `_` for everything between them.
    private static func plain(_ value: String) -> String {
        let words = value.prefix(60).split { !($0.isASCII && ($0.isLetter || $0.isNumber || "-+.".contains($0))) }
        return String(words.joined(separator: "_").trimmingPrefix { $0 == "." })
    }

    private static func title(_ settings: [(key: String, value: String)]) -> String {
        settings.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
    }

    private final class StopRequest: Sendable {
        private let asked = Mutex<String?>(nil)
        var reason: String? { asked.withLock { $0 } }
        func set(_ reason: String) { asked.withLock { $0 = reason } }
    }
}
