import Common
import SelMix

/// From the tree to the job, in the order of the job file; checks that concern several settings come last.
extension Job {
    /// - Parameter path: the job file, for its folder and its name.
    init(reading root: JobSection, path: String) throws {
        let folder = JobFolder(of: path)
        let base = path.split(separator: "/").last.map(String.init) ?? path
        let stem = base.lastIndex(of: ".").map { String(base[..<$0]) } ?? base
        let name = try root.text("name") ?? (stem.isEmpty ? base : stem)
        let seed = try root.whole("seed", or: UInt64(0), .from(0, to: .max))
        self.init(
            name: name,
            data: try DataFiles(
                reading: root.section(
                    "data", required: "data: {train: \(SplitFiles.example), validation: \(SplitFiles.example)}"),
                folder: folder),
            head: try HeadFiles(
                reading: root.section("head", required: "head: \(HeadFiles.example)"), folder: folder),
            objective: try .init(reading: root.section("objective", required: "objective: {name: min-recall}")),
            output: try root.path("output", required: "output: runs/\(name)", folder.absolute))
        self.seed = seed
        let preset = try root.choice("preset", or: Preset.standard)
        selmix = try SelMixSettings(reading: root.section("selmix"), in: folder, over: preset.selmix)
        loss = try LossSettings(reading: root.section("loss"))
        optimizer = try OptimizerSettings(reading: root.section("optimizer"), over: preset.optimizer)
        trace = try root.choice("trace", or: trace)
        baselines = try root.flag("baselines", or: baselines)
        tensorBoard = try root.flag("tensorBoard", or: tensorBoard)
        batch = try root.whole("batch", or: batch, .from(1, to: 1 << 24))
        cluster = try ClusterSettings(reading: root.section("cluster"))
        checkpoints.keep = try root.section("checkpoints").whole("keep", or: checkpoints.keep, .from(1, to: 1000))
        try checkShares(root)
        try checkReduction(root)
        try checkPseudoLabels(root, preset)
        if data.unlabeled != nil, selmix.labelRatio != .one {
            throw try root.section("selmix").origin(of: "labelRatio").error(
                "`selmix.labelRatio` would mix in labels, but `data.unlabeled` has none",
                hint: "leave `selmix.labelRatio` out, or `data.unlabeled`")
        }
    }

    /// The authors drew unlabelled samples by their true classes; a job of that preset does so where it has them.
    private mutating func checkPseudoLabels(_ root: JobSection, _ preset: Preset) throws {
        let section = try root.section("selmix")
        if section.value("pseudoLabels") == nil, preset == .published, data.unlabeled?.labels != nil {
            selmix.pseudoLabels = .given
        }
        guard selmix.pseudoLabels == .given, data.unlabeled?.labels == nil else { return }
        throw section.origin(of: "pseudoLabels").error(
            "`selmix.pseudoLabels: given` needs the unlabelled samples' classes",
            hint: "add `labels: FILE#TENSOR` to `data.unlabeled`, or leave `selmix.pseudoLabels` out")
    }

    /// An audit compares what the coordinator sees, and what workers sum among themselves it does not see.
    private func checkReduction(_ root: JobSection) throws {
        guard cluster.reduction == .workers, cluster.audit > 0 else { return }
        throw try root.section("cluster").origin(of: "reduction").error(
            "`cluster.reduction: workers` cannot be audited, and `cluster.audit` is \(cluster.audit)",
            hint: "use `cluster.reduction: coordinator`, or leave `cluster.audit` out")
    }

    /// Every logical shard owns as many slots of the batch as any other.
    private func checkShares(_ root: JobSection) throws {
        guard !batch.isMultiple(of: cluster.shards) else { return }
        let lower = max(1, batch / cluster.shards) * cluster.shards
        let origin = try root.value("batch")?.origin ?? root.section("cluster").origin(of: "shards")
        throw origin.error(
            "batch \(batch) is not divisible by shards \(cluster.shards)",
            hint: "the nearest `batch` that is: \(lower) or \(lower + cluster.shards)")
    }
}

extension DataFiles {
    fileprivate init(reading section: JobSection, folder: JobFolder) throws {
        func split(_ key: String) throws -> SplitFiles {
            try SplitFiles(
                reading: section.section(key, required: "\(key): \(SplitFiles.example)"), folder: folder)
        }
        train = try split("train")
        validation = try split("validation")
        test = section.value("test") == nil ? nil : try split("test")
        guard section.value("unlabeled") != nil else { return }
        let files = try section.section("unlabeled")
        unlabeled = UnlabeledFiles(
            features: try files.path("features", required: "features: FILE#TENSOR", folder.reference),
            labels: try files.path("labels", folder.reference))
    }
}

extension SplitFiles {
    fileprivate static let example = "{features: FILE#TENSOR, labels: FILE#TENSOR}"

    fileprivate init(reading section: JobSection, folder: JobFolder) throws {
        features = try section.path("features", required: "features: FILE#TENSOR", folder.reference)
        labels = try section.path("labels", required: "labels: FILE#TENSOR", folder.reference)
    }
}

extension HeadFiles {
    fileprivate static let example = "{weight: head.safetensors#weight, bias: head.safetensors#bias}"

    fileprivate init(reading section: JobSection, folder: JobFolder) throws {
        weight = try section.path("weight", required: "weight: head.safetensors#weight", folder.reference)
        bias = try section.path("bias", folder.reference)
    }
}
