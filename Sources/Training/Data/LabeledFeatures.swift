import CKernels
import Common

/// One split of a data set: features [N, d] on disk, mapped, and labels [N] in memory.
public struct LabeledFeatures: Sendable {
    public let features: StoredTensor
    /// [N], each in 0 ..< K.
    public let labels: [Int32]
    public let classes: Int

    public var count: Int { labels.count }
    public var dimension: Int { features.shape[1] }

    /// Maps a split and checks its labels and shapes; ``checkFinite()`` checks the features, which reads them all.
    ///
    /// - Parameters:
    ///   - classes: K, as the head has it.
    ///   - dimension: d, as the head has it.
    ///   - role: what the split is in the job file, for messages: "train".
    ///   - needsEveryClass: whether a class without a sample is an error.
    public init(
        features: StoredTensor, labels: StoredTensor, classes: Int, dimension: Int, role: String, needsEveryClass: Bool
    ) throws {
        try features.checkFeatures(dimension: dimension, role: role)
        guard labels.shape.count == 1 else {
            throw SelMixError(
                .invalidInput, "data.\(role): labels \(labels.source) have shape \(labels.shape)",
                hint: "labels are one integer a sample: shape [N]")
        }
        guard labels.shape[0] == features.shape[0] else {
            throw SelMixError(
                .invalidInput,
                "data.\(role): \(features.shape[0]) rows of features in \(features.source), but \(labels.shape[0]) labels in "
                    + labels.source,
                hint: "both must describe the same samples, in the same order")
        }
        let values = try labels.integers()
        if let row = values.firstIndex(where: { !(0..<classes).contains($0) }) {
            throw SelMixError(
                .invalidInput,
                "data.\(role): label \(values[row]) in row \(row) of \(labels.source) is outside 0 ... \(classes - 1)",
                hint: "the head has \(classes) classes; labels count from 0")
        }
        self.features = features
        self.labels = values.map { Int32($0) }
        self.classes = classes
        if needsEveryClass, let missing = classCounts.firstIndex(of: 0) {
            let all = classCounts.indices.filter { classCounts[$0] == 0 }
            throw SelMixError(
                .invalidInput,
                "data.\(role): class \(missing) has no sample"
                    + (all.count > 1 ? " (and \(all.count - 1) more classes have none)" : ""),
                hint: "every class needs at least one \(role) sample")
        }
    }

    /// XXH3 of the bytes of features and labels; reads them all.
    public var digest: UInt64 {
        labels.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, features.digest()) }
    }

    /// Samples per class, [K].
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: classes)
        for label in labels { counts[Int(label)] += 1 }
        return counts
    }
}
