import Common

/// One setting that a sweep varies: `key.path=value,value`.
public struct SweepAxis: Sendable, Equatable {
    /// The setting's path in the job file.
    public let key: String
    /// Each in YAML, as `--set` takes it.
    public let values: [String]

    /// - Parameter argument: of `--vary`. Values end at commas outside of brackets, braces and quotation marks.
    public init(parsing argument: String) throws {
        func wrong(_ problem: String) -> SelMixError {
            SelMixError(
                .usage, "`--vary \(argument)` \(problem)",
                hint: "such as `--vary seed=0,1,2` or `--vary 'selmix.temperature={relative: 0.5},{absolute: 0.1}'`")
        }
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { throw wrong("is not of the form key.path=value,value") }
        key = String(parts[0])
        guard let values = Self.values(in: parts[1]) else { throw wrong("leaves a bracket or a quotation mark open") }
        self.values = values
        if key == "output" { throw wrong("varies the output, which the sweep gives each run itself") }
        if values.contains("") { throw wrong("has an empty value") }
        if let again = values.indices.first(where: { values[..<$0].contains(values[$0]) }) {
            throw wrong("has the value `\(values[again])` twice")
        }
    }

    /// Nil when what is opened is not closed.
    private static func values(in text: Substring) -> [String]? {
        var values = [""]
        var open: [Character] = []
        for character in text {
            if let quote = open.last, "\"'".contains(quote) {
                if character == quote { open.removeLast() }
            } else if let closing = ["[": "]", "{": "}", "\"": "\"", "'": "'"][character] as Character? {
                open.append(closing)
            } else if "]}".contains(character) {
                guard open.popLast() == character else { return nil }
            } else if character == ",", open.isEmpty {
                values.append("")
                continue
            }
            values[values.count - 1].append(character)
        }
        return open.isEmpty ? values.map(trimmed) : nil
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
