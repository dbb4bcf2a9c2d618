import Common

/// The keys that a job file may have.
///
/// They are checked over the whole tree before any value is read: a misspelt key is then reported as such, rather than as
/// the absence of what it was meant to be. ``JobSection`` refuses to read a key that is not listed here.
indirect enum JobSchema: Sendable {
    case value
    case section(KeyValuePairs<String, JobSchema>)

    private static let split = section(["features": .value, "labels": .value])

    static let job = section([
        "name": .value,
        "seed": .value,
        "data": .section([
            "train": split, "validation": split, "test": split, "unlabeled": split,
        ]),
        "head": .section(["weight": .value, "bias": .value]),
        "objective": .section([
            "name": .value, "rate": .value, "decay": .value, "alpha": .value, "tau": .value, "multiplierMax": .value,
            "tailFraction": .value, "head": .value, "groups": .value, "strictness": .value,
        ]),
        "preset": .value,
        "selmix": .section([
            "policy": .value, "folds": .value, "start": .value,
            "temperature": .section(["relative": .value, "absolute": .value]), "mixRatio": .value,
            "formula": .value, "rounds": .value, "stepsPerRound": .value, "diagonalSmoothing": .value,
            "floor": .value, "labelRatio": .value, "mixUntil": .value, "keep": .value, "samplerFloor": .value,
            "pseudoLabels": .value,
            "convergence": .section(["rounds": .value, "tolerance": .value]),
        ]),
        "loss": .section(["name": .value, "tau": .value, "smoothing": .value]),
        "baselines": .value,
        "optimizer": .section([
            "learningRate": .value, "momentum": .value, "weightDecay": .value, "schedule": .value,
        ]),
        "batch": .value,
        "cluster": .section([
            "shards": .value, "precision": .value, "audit": .value, "reduction": .value,
            "failureTimeout": .value, "minWorkers": .value, "workerWait": .value, "orphanTimeout": .value,
            "instructionSet": .value, "slowWorkers": .value, "staging": .value,
        ]),
        "checkpoints": .section(["keep": .value]),
        "trace": .value,
        "tensorBoard": .value,
        "output": .value,
    ])

    subscript(key: String) -> JobSchema? {
        guard case .section(let keys) = self else { return nil }
        return keys.first { $0.key == key }?.value
    }

    /// Throws for the first unknown key of the job file with this root.
    static func check(_ root: JobNode) throws {
        try job.check(root, at: [])
    }

    private func check(_ node: JobNode, at path: [String]) throws {
        // A scalar in a section's place, or a section in a scalar's, is reported when it is read.
        guard case .section(let keys) = self, case .map(let entries) = node.content else { return }
        for entry in entries {
            guard let below = self[entry.key] else {
                throw entry.origin.error(
                    "unknown key `\((path + [entry.key]).joined(separator: "."))`",
                    hint: Self.hint(for: entry.key, at: path, among: keys.map(\.key)))
            }
            try below.check(entry.value, at: path + [entry.key])
        }
    }

    /// A key that is right but in the wrong place comes before one that is nearly right in this place.
    private static func hint(for key: String, at path: [String], among known: [String]) -> String {
        let elsewhere = job.paths(from: []).first { $0.last == key }
        let nearest = Suggestion.nearest(to: key, among: known).map { path + [$0] }
        if let meant = elsewhere ?? nearest { return "did you mean `\(meant.joined(separator: "."))`?" }
        let place = path.isEmpty ? "" : " in `\(path.joined(separator: "."))`"
        return "known\(place) are \(known.joined(separator: ", "))"
    }

    /// The path of every key, sections before what they hold.
    private func paths(from path: [String]) -> [[String]] {
        guard case .section(let keys) = self else { return [] }
        return keys.flatMap { key, below in [path + [key]] + below.paths(from: path + [key]) }
    }
}
