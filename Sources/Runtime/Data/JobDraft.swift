import Foundation

/// The text of a new job file: what is known of the data, and settings to begin with.
public struct JobDraft: Sendable {
    /// Lines about where the file comes from.
    public var comments: [String]
    public var name: String
    /// References as they are to be written: relative to the job file's folder.
    public var data: DataFiles
    public var head: HeadFiles
    public var objective: String
    /// nil for the default.
    public var rounds: Int?
    public var stepsPerRound: Int?
    public var learningRate: Double?
    public var batch: Int?
    public var output: String
    /// Whether to show settings that people change next, as comments.
    public var suggests = false

    public var text: String {
        var lines = comments.map { "# \($0)" }
        lines.append("# Every setting that is left out has its default; cluster/README.md of selmix lists them.")
        lines.append("name: \(Self.scalar(name))")
        lines.append("data:")
        lines.append("  train: \(Self.split(data.train))")
        lines.append("  validation: \(Self.split(data.validation))")
        if let test = data.test { lines.append("  test: \(Self.split(test))") }
        if let unlabeled = data.unlabeled {
            lines.append("  unlabeled: {features: \(Self.path(unlabeled.features))}")
        }
        let bias = head.bias.map { ", bias: \(Self.path($0))" } ?? ""
        lines.append("head: {weight: \(Self.path(head.weight))\(bias)}")
        lines.append("objective: \(Self.scalar(objective))")
        let selmix = [("rounds", rounds), ("stepsPerRound", stepsPerRound)].compactMap { key, value in
            value.map { "\(key): \($0)" }
        }
        if !selmix.isEmpty { lines.append("selmix: {\(selmix.joined(separator: ", "))}") }
        if let learningRate { lines.append("optimizer: {learningRate: \(learningRate)}") }
        if let batch { lines.append("batch: \(batch)") }
        lines.append("output: \(Self.path(output))")
        if suggests { lines += Self.suggestions }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let suggestions = [
        "",
        "# What people change next:",
        "# objective: min-recall              # or mean-recall, g-mean, h-mean, min-head-tail-recall, ...",
        "# selmix: {rounds: 60, stepsPerRound: 100}",
        "# optimizer: {learningRate: auto}    # or a number: smaller when recalls jump from round to round",
        "# baselines: true                    # compare with what one would try first",
    ]

    /// Large batches for large data: a step of 1024 samples keeps a machine busy, and too few samples are drawn again and
    /// again.
    static func batch(samples: Int) -> Int? { samples >= 20_000 ? 1024 : nil }

    private static func split(_ files: SplitFiles) -> String {
        "{features: \(path(files.features)), labels: \(path(files.labels))}"
    }

    /// A path or a reference; a name that begins with `~` is no home directory.
    private static func path(_ text: String) -> String { scalar(text.hasPrefix("~") ? "./" + text : text) }

    /// As it is where YAML takes it for text, within a flow mapping too; else in double quotes.
    private static func scalar(_ text: String) -> String {
        if text.wholeMatch(of: /[A-Za-z_.\/][A-Za-z0-9_.\/#+=-]*/) != nil, !reserved.contains(text.lowercased()) {
            return text
        }
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case ..<" ", "\u{7f}": String(format: "\\x%02x", scalar.value)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }

    private static let reserved: Set = ["null", "true", "false", "yes", "no", "on", "off", "~", ".inf", ".nan"]
}
