import Common
import Foundation

/// The job file: YAML in, a checked and resolved ``Job`` out.
///
/// The way there: text, a tree in which every node knows its line (``JobNode``), overrides placed into that tree, unknown
/// keys refused (``JobSchema``), values read and checked one after the other (``JobSection``, `Job+Reading.swift`). The
/// first problem found is the one reported. Every error is `invalidInput` and says file, line and key, except for an
/// override that is not of the form `key.path=value`, which is `usage`.
public enum JobFile {
    private static let requiredKeys = "a job file has at least `data`, `head`, `objective` and `output`"

    /// Reads, checks and resolves a job file.
    ///
    /// - Parameters:
    ///   - path: the file, absolute or relative to the current directory; messages name it as given here.
    ///   - overrides: `key.path=value`, in the order in which they apply.
    public static func load(_ path: String, overrides: [String] = []) throws -> Job {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw SelMixError(
                .invalidInput, "there is no job file `\(path)`",
                hint: "check the path; cluster/digits-lt holds examples")
        }
        guard !isFolder.boolValue else {
            throw SelMixError(.invalidInput, "`\(path)` is a folder", hint: "name the job file in it")
        }
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw SelMixError(
                .invalidInput, "the job file `\(path)` cannot be read", hint: "check its permissions",
                cause: error.localizedDescription)
        }
        guard let text = TextFile.text(of: bytes) else {
            throw SelMixError(.invalidInput, "`\(path)` is not text in UTF-8", hint: requiredKeys)
        }
        return try parse(text, path: path, overrides: overrides)
    }

    /// Checks and resolves the text of a job file.
    ///
    /// - Parameters:
    ///   - path: where the text is from; relative paths in it start from that file's folder.
    ///   - overrides: as in ``load(_:overrides:)``.
    public static func parse(_ text: String, path: String, overrides: [String] = []) throws -> Job {
        guard var root = try JobNode.parse(text, file: path), !root.isNull else {
            throw SelMixError(.invalidInput, "`\(path)` is empty", hint: requiredKeys)
        }
        guard root.isMap else {
            throw SelMixError(
                .invalidInput, "`\(path)` must be a mapping of keys to values, not \(root.described)",
                hint: requiredKeys)
        }
        // What the file lacks altogether is not missing from its first line in particular.
        root.origin = .file(path)
        root.expandNames()
        for override in overrides {
            try root.apply(override: override)
            root.expandNames()
        }
        try JobSchema.check(root)
        return try Job(reading: JobSection(root: root), path: path)
    }
}

extension JobNode {
    /// `objective: min-recall` is short for `objective: {name: min-recall}`, and `loss` likewise; spelt out before overrides,
    /// so that `--set objective.rate=20` finds a mapping.
    fileprivate mutating func expandNames() {
        guard case .map(var entries) = content else { return }
        for index in entries.indices where ["objective", "loss"].contains(entries[index].key) {
            let name = entries[index].value
            guard case .scalar = name.content, !name.isNull else { continue }
            entries[index].value.content = .map([Entry(key: "name", origin: name.origin, value: name)])
        }
        content = .map(entries)
    }
}
