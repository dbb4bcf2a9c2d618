import Common
import Foundation
import Training

/// Several runs beside each other, as data and as one self-contained page.
public struct RunComparison: Encodable {
    struct Run: Encodable {
        /// What tells this run from the others.
        var label: String
        var directory: String
        var report: RunReport
    }

    /// A setting that is not the same in all runs.
    struct Setting: Encodable, Equatable {
        var key: String
        /// By run; nil where it is not set.
        var values: [String?]
    }

    var runs: [Run]
    var settings: [Setting]

    public init(_ saved: [SavedRun]) throws {
        let labels = Self.labels(names: saved.map(\.info.job.name), directories: saved.map(\.directory))
        runs = try zip(saved, labels).map { Run(label: $1, directory: $0.directory, report: try $0.report()) }
        settings = Self.differences(saved.map(\.info.job))
    }

    public func page() throws -> String { try Page.filled(PackageResources.comparison_html, with: self) }

    /// The names of runs where they differ, without the settings in front that all have; else as much of the paths as
    /// differs.
    static func labels(names: [String], directories: [String]) -> [String] {
        if Set(names).count == names.count {
            let parts = names.map { $0.split(separator: ", ") }
            let shared = parts[0].indices.prefix { index in
                parts.allSatisfy { $0.count > index + 1 && $0[index] == parts[0][index] }
            }
            return parts.map { $0.dropFirst(shared.count).joined(separator: ", ") }
        }
        let paths = directories.map { URL(fileURLWithPath: $0).standardizedFileURL.pathComponents }
        for count in 1...(paths.map(\.count).max() ?? 1) {
            let ends = paths.map { $0.suffix(count).joined(separator: "/") }
            if Set(ends).count == ends.count { return ends }
        }
        return directories.enumerated().map { "\($1) (\($0 + 1))" }
    }

    static func differences(_ jobs: [Job]) -> [Setting] {
        let settings = jobs.map { Dictionary(uniqueKeysWithValues: $0.configurationKeys.map { ($0.key, $0.value) }) }
        return Set(settings.flatMap(\.keys)).sorted().compactMap { key in
            let values = settings.map { $0[key] }
            return Set(values).count > 1 ? Setting(key: key, values: values) : nil
        }
    }
}
