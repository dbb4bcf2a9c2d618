import Foundation

/// What makes two runs the same run.
///
/// Every setting belongs to the configuration unless it is listed in `excluded`, so that a new one is covered before
/// anyone thinks of it. That is why the keys are taken from the encoded job rather than written down here. The text of a
/// number is Swift's shortest one that reads back to the same value, hence the same on every machine.
extension Job {
    /// What may change between a run and its continuation without changing a byte of the result. Files may move: what is
    /// in their tensors is part of the configuration digest by itself.
    private static let excluded: Set<String> = [
        "name", "output", "checkpoints.keep", "cluster.audit", "cluster.reduction", "cluster.failureTimeout",
        "cluster.minWorkers", "cluster.workerWait", "cluster.orphanTimeout", "cluster.slowWorkers", "cluster.staging",
        "baselines", "trace", "tensorBoard",
        "data.train.features", "data.train.labels", "data.validation.features", "data.validation.labels",
        "data.test.features", "data.test.labels", "data.unlabeled.features", "data.unlabeled.labels",
        "head.weight", "head.bias",
    ]

    /// The settings that decide the bytes of the result, by their path in the job file, in the order of their paths; such
    /// as ("selmix.rounds", "60"). A setting that is nil is left out.
    public var configurationKeys: [(key: String, value: String)] {
        let tree: JSONTree
        do {
            tree = try JSONDecoder().decode(JSONTree.self, from: JSONEncoder().encode(self))
        } catch {
            preconditionFailure("a job that cannot be written as JSON: \(error); \(self)")
        }
        return tree.leaves(at: "").filter { !Self.excluded.contains($0.key) }.sorted { $0.key < $1.key }
    }

    /// ``configurationKeys`` as one JSON object, keys sorted, without white space: what the configuration digest covers.
    public var configurationJSON: String {
        "{\(configurationKeys.map { "\(quoted($0.key)):\(quoted($0.value))" }.joined(separator: ","))}"
    }

    /// The settings in which two runs differ, one a line, such as "selmix.rounds: 60 here, 40 there". Empty when a run of
    /// this job may continue one of `other`.
    public func differences(from other: Job) -> [String] {
        let here = Dictionary(uniqueKeysWithValues: configurationKeys.map { ($0.key, $0.value) })
        let there = Dictionary(uniqueKeysWithValues: other.configurationKeys.map { ($0.key, $0.value) })
        return Set(here.keys).union(there.keys).sorted().filter { here[$0] != there[$0] }
            .map { "\($0): \(here[$0] ?? "not set") here, \(there[$0] ?? "not set") there" }
    }
}

/// Any JSON value, with numbers already in their canonical text.
private indirect enum JSONTree: Decodable {
    case leaf(String)
    case list([JSONTree])
    case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let object = try? value.decode([String: JSONTree].self) {
            self = .object(object)
        } else if let list = try? value.decode([JSONTree].self) {
            self = .list(list)
        } else if let text = try? value.decode(String.self) {
            self = .leaf(text)
        } else if let flag = try? value.decode(Bool.self) {
            self = .leaf(String(flag))
        } else if let whole = try? value.decode(UInt64.self) {
            // Before Double, which would round the seed.
            self = .leaf(String(whole))
        } else {
            self = .leaf(String(try value.decode(Double.self)))
        }
    }

    /// Everything below this value that is not an object, by its path.
    func leaves(at path: String) -> [(key: String, value: String)] {
        guard case .object(let fields) = self else { return [(path, text)] }
        return fields.flatMap { $1.leaves(at: path.isEmpty ? $0 : "\(path).\($0)") }
    }

    private var text: String {
        switch self {
        case .leaf(let text): text
        case .list(let items): "[\(items.map(\.text).joined(separator: ", "))]"
        case .object(let fields): "{\(fields.keys.sorted().joined(separator: ", "))}"
        }
    }
}

/// A JSON string.
private func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\u{0}"..<" ": "\\u\(String(scalar.value + 0x10000, radix: 16).dropFirst())"
        default: String(scalar)
        }
    }
    return "\"\(escaped.joined())\""
}
