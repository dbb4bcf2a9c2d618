import Common
import Yams

/// One node of a job file's tree, which knows where it was written.
///
/// The tree is kept apart from Yams' own, for two reasons: a value from `--set` is placed in the middle of a file's and
/// must still say where it came from, and here every scalar is text until a setting asks for a type, so that no rule of
/// YAML turns `off` into a boolean behind anyone's back.
struct JobNode {
    enum Content {
        /// `isPlain`: without quotation marks, hence possibly a number or nothing.
        case scalar(text: String, isPlain: Bool)
        case list([JobNode])
        case map([Entry])
    }

    struct Entry {
        var key: String
        var origin: Origin
        var value: JobNode
    }

    /// Where something was written, for messages.
    enum Origin: CustomStringConvertible {
        case file(String)
        case line(Int, file: String)
        /// An argument of `--set`.
        case override(String)

        var description: String {
            switch self {
            case .file(let file): file
            case .line(let line, let file): "\(file) line \(line)"
            case .override(let argument): "--set \(argument)"
            }
        }

        func error(_ message: String, hint: String? = nil) -> SelMixError {
            SelMixError(.invalidInput, "\(message) (\(self))", hint: hint)
        }
    }

    var content: Content
    var origin: Origin

    static func empty(_ origin: Origin) -> JobNode {
        JobNode(content: .scalar(text: "", isPlain: true), origin: origin)
    }

    /// YAML's null: nothing written, or a word for it.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    var isMap: Bool {
        if case .map = content { true } else { false }
    }

    /// What stands here, in words, for "must be a whole number, not ...".
    var described: String {
        switch content {
        case _ where isNull: "empty"
        case .scalar(let text, isPlain: true): "`\(text)`"
        case .scalar(let text, isPlain: false): "the text `\(text)`"
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    subscript(key: String) -> JobNode? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

extension JobNode {
    /// The tree of a Yams node.
    ///
    /// - Parameters:
    ///   - room: how many nodes the tree may still have.
    ///   - origin: where a node comes from, by its line if it has one.
    init(_ node: Yams.Node, room: inout Int, origin: (Int?) -> Origin) throws {
        self.origin = origin(node.mark?.line)
        guard room > 0 else {
            throw self.origin.error(
                "a job file of more than \(Self.maximumNodes) values, its aliases written out",
                hint: "aliases (`*name`) of lists that hold aliases multiply; long lists belong in files")
        }
        room -= 1
        switch node {
        case .scalar(let scalar):
            content = .scalar(text: scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let items):
            content = .list(try items.map { try JobNode($0, room: &room, origin: origin) })
        case .mapping(let pairs):
            content = .map(
                try pairs.map { key, value in
                    let keyOrigin = origin(key.mark?.line)
                    guard let name = key.scalar?.string else { throw keyOrigin.error("a key must be a plain word") }
                    return Entry(key: name, origin: keyOrigin, value: try JobNode(value, room: &room, origin: origin))
                })
        case .alias:
            throw self.origin.error("an alias without its anchor")
        }
    }
}
