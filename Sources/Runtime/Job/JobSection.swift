import Common

/// A mapping of the job file while it is read: it knows its path and its place, so that every complaint names the key and
/// the line.
///
/// A key without a value, or with `null`, reads like one that is not there, and so does an empty section. What kinds of value a section can be asked
/// for is in `JobSection+Values.swift`.
struct JobSection {
    /// Keys from the root.
    private let path: [String]
    private let schema: JobSchema
    private let node: JobNode

    init(root: JobNode) {
        self.init(path: [], schema: .job, node: root)
    }

    private init(path: [String], schema: JobSchema, node: JobNode) {
        (self.path, self.schema, self.node) = (path, schema, node)
    }

    /// The full path of a key, as messages give it.
    func path(of key: String) -> String { (path + [key]).joined(separator: ".") }

    /// Where the value of a key stands; where the section begins, if there is none.
    func origin(of key: String) -> JobNode.Origin { node[key]?.origin ?? node.origin }

    /// The value of a key, or nil where it is not set.
    func value(_ key: String) -> JobNode? {
        precondition(schema[key] != nil, "`\(path(of: key))` is read but not in the schema")
        return node[key].flatMap { $0.isNull ? nil : $0 }
    }

    /// - Parameter example: how the key may be given, for the hint.
    func missing(_ key: String, example: String) -> SelMixError {
        node.origin.error("`\(path(of: key))` is missing", hint: "add `\(example)`")
    }

    /// A mapping below this one.
    func section(_ key: String) throws -> JobSection {
        let below = value(key)
        if let below, !below.isMap {
            throw below.origin.error("`\(path(of: key))` must be a mapping, not \(below.described)")
        }
        return JobSection(path: path + [key], schema: schema[key] ?? .value, node: below ?? .empty(node.origin))
    }

    func section(_ key: String, required example: String) throws -> JobSection {
        guard value(key) != nil else { throw missing(key, example: example) }
        return try section(key)
    }
}
