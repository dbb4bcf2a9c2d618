import Common

/// `--set key.path=value`: a value placed into the tree of the job file before anything is read from it, so that it is
/// checked, and complained about, like any other.
extension JobNode {
    /// Puts the value of one override in its place, whatever was there before; mappings on the way to it are created.
    ///
    /// - Parameter argument: `key.path=value`, the value in YAML: a number, a word, `{relative: 0.5}`, `[0.6, 1.0]`.
    ///   `null` unsets what the file sets.
    mutating func apply(override argument: String) throws {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !path.contains("") else {
            throw SelMixError(
                .usage, "`--set \(argument)` is not of the form key.path=value",
                hint: "such as `--set selmix.rounds=20`")
        }
        let value = try JobNode.parse(String(parts[1]), override: argument)
        try set(path[...], to: value, below: [], origin: .override(argument))
    }

    private mutating func set(_ path: ArraySlice<String>, to value: JobNode, below: [String], origin: Origin) throws {
        guard let key = path.first else {
            self = value
            return
        }
        var entries: [Entry] = []
        if case .map(let existing) = content {
            entries = existing
        } else if !isNull {
            let here = below.joined(separator: ".")
            throw origin.error(
                "`\(here)` is \(described) in \(self.origin), so nothing can be set inside it",
                hint: "set `\(here)` as a whole")
        }
        let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
        if index == entries.endIndex { entries.append(Entry(key: key, origin: origin, value: .empty(origin))) }
        try entries[index].value.set(path.dropFirst(), to: value, below: below + [key], origin: origin)
        content = .map(entries)
    }
}
