import Common
import SelMix
import Training

// The tensors of a checkpoint, and the state from them.

extension CheckpointState {
    func tensors() throws -> [TensorContent] {
        func parameters(_ prefix: String, _ values: Parameters) -> [TensorContent] {
            values.layout.entries.map {
                TensorContent(
                    name: "\(prefix).\($0.name)", dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(values.values(of: $0)))
            }
        }
        func counts(_ name: String, _ counts: ConfusionCounts) -> TensorContent {
            let entries = counts.sparse
            return TensorContent(
                name: name, shape: [entries.count, 3],
                values: entries.flatMap { [Int64($0.label), Int64($0.predicted), $0.count] })
        }
        let ofHeads = heads.indices.flatMap { fold in
            parameters("weights.\(fold)", heads[fold]) + parameters("velocity.\(fold)", velocities[fold])
                + parameters("best.\(fold)", best.heads[fold])
        }
        return ofHeads
            + [
                TensorContent(name: "multipliers", shape: [multipliers.count], values: multipliers),
                TensorContent(name: "best.multipliers", shape: [best.multipliers.count], values: best.multipliers),
                counts("best.counts", best.counts), counts("initial.counts", initialCounts),
            ]
    }

    init(_ file: TensorFile, manifest: CheckpointManifest, layout: ParameterLayout) throws {
        // A job has at most a million rounds.
        guard (0...1_000_000).contains(manifest.nextRound), (manifest.convergence?.length ?? 1) > 0 else {
            throw SelMixError(.failed, "it says that round \(manifest.nextRound) comes next")
        }
        func parameters(_ prefix: String) throws -> Parameters {
            let values = Parameters(layout: layout)
            for entry in layout.entries {
                let tensor = try file.tensor("\(prefix).\(entry.name)")
                guard tensor.shape == entry.shape else {
                    throw SelMixError(.failed, "\(tensor.source) has shape \(tensor.shape), not \(entry.shape)")
                }
                _ = values.values(of: entry).update(fromContentsOf: try tensor.floatArray())
            }
            return values
        }
        func doubles(_ name: String) throws -> [Double] {
            let tensor = try file.tensor(name)
            guard tensor.dataType == .float64, [0, manifest.classes].contains(tensor.elementCount) else {
                throw SelMixError(
                    .failed, "\(tensor.source) has \(tensor.elementCount) values of \(tensor.dataType.rawValue)")
            }
            return tensor.bytes.isEmpty
                ? []
                : (0..<tensor.elementCount).map { tensor.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
        }
        func counts(_ name: String) throws -> ConfusionCounts {
            var counts = ConfusionCounts(classes: manifest.classes)
            let values = try file.tensor(name).integers()
            let classes = 0..<manifest.classes
            for start in stride(from: 0, to: values.count, by: 3) {
                guard start + 2 < values.count, classes.contains(values[start]), classes.contains(values[start + 1]),
                    (1...1 << 40).contains(values[start + 2])
                else { throw SelMixError(.failed, "\(name) holds counts of what is no class") }
                counts.add(Int64(values[start + 2]), true: values[start], predicted: values[start + 1])
            }
            return counts
        }
        func heads(_ prefix: String) throws -> [Parameters] {
            try (0..<manifest.folds).map { try parameters("\(prefix).\($0)") }
        }
        self.init(
            nextRound: RoundIndex(manifest.nextRound), heads: try heads("weights"),
            velocities: try heads("velocity"), multipliers: try doubles("multipliers"),
            convergence: manifest.convergence, history: manifest.history, bestRound: manifest.bestRound,
            best: .init(
                heads: try heads("best"), counts: try counts("best.counts"),
                multipliers: try doubles("best.multipliers")),
            initialCounts: try counts("initial.counts"), meanLoss: manifest.meanLoss)
    }
}
