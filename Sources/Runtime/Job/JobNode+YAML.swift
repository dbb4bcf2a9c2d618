import Common
import Yams

/// From text to a tree: the one place that calls the YAML parser, and that turns its errors into ours.
extension JobNode {
    /// The tree of a whole job file; nil if nothing is written in it.
    ///
    /// - Parameter file: the file's name as messages give it.
    static func parse(_ text: String, file: String) throws -> JobNode? {
        // The parser, told its encoding, takes a byte order mark for content.
        return try compose(TextFile.withoutMark(text), origin: .file(file)) { line in
            line.map { .line($0, file: file) } ?? .file(file)
        }
    }

    /// The tree of the value in `--set key=value`.
    static func parse(_ value: String, override argument: String) throws -> JobNode {
        try compose(value, origin: .override(argument)) { _ in .override(argument) }
            ?? .empty(.override(argument))
    }

    /// Values and keys of a whole tree. Aliases within aliases multiply: a file of a few hundred bytes can stand for
    /// thousands of millions.
    static let maximumNodes = 100_000

    private static func compose(_ text: String, origin: Origin, at lines: (Int?) -> Origin) throws -> JobNode? {
        if let aliases = AliasBound.excess(in: text) {
            throw origin.error(
                "\(aliases) aliases, which can stand for more than a job file may hold",
                hint:
                    "aliases (`*name`) of lists that hold aliases multiply: write them out, or put long lists in files")
        }
        do {
            // The basic resolver leaves every scalar as text, and the encoding is given because Yams' own choice looks
            // at the environment and prints what it finds.
            guard let root = try Yams.compose(yaml: text, .basic, .default, .utf8) else { return nil }
            var room = maximumNodes
            return try JobNode(root, room: &room, origin: lines)
        } catch let error as YamlError {
            throw translated(error, origin: origin, at: lines)
        }
    }

    private static func translated(_ error: YamlError, origin: Origin, at lines: (Int?) -> Origin) -> SelMixError {
        func invalid(_ problem: String, at mark: Mark) -> SelMixError {
            // Within an override, line 1 is all there is.
            let place = if case .override = origin { "\(origin)" } else { "\(lines(mark.line)), column \(mark.column)" }
            return SelMixError(
                .invalidInput, "this is not valid YAML: \(problem) (\(place))",
                hint: "check the indentation (spaces, never tabs), the brackets and the space after each colon")
        }
        switch error {
        case .duplicatedKeysInMapping(let keys, let context):
            return lines(context.mark.line).error(
                "`\(keys[0])` is given twice in one mapping", hint: "keep one of the two")
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            // What is left open is noticed far behind the place where it was begun.
            let told = context.map { "\($0.text) from line \($0.mark.line): \(problem)" } ?? problem
            return invalid(told, at: mark)
        case .composer(let context, let problem, let mark, _):
            return invalid(context.map { "\($0.text) \(problem)" } ?? problem, at: mark)
        case .reader(let problem, _, _, _):
            return origin.error("this is not valid YAML: \(problem)", hint: "the file must be text in UTF-8")
        default:
            return SelMixError(.invalidInput, "this is not valid YAML (\(origin))", cause: "\(error)")
        }
    }
}
