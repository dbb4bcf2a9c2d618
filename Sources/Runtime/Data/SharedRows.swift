import CKernels
import Training

/// How many samples of one split are in another one too, by the bytes of their features.
///
/// Heads and rounds are chosen on validation, and test is what they are judged on; on samples that were trained on, or chosen
/// on, both say too much. The whole split twice is the common mistake (the same tensor under two names, a copy of the file),
/// part of it the other one.
struct SharedRows: Sendable, Equatable {
    /// The split whose figures say too much.
    var split: String
    /// Where its samples are too.
    var other: String
    var rows: Int
    var count: Int

    /// A few copies are in many collections of images; this part of a split is none of those.
    private static let smallestPart = 0.01

    var description: String {
        let share = rows == count ? "all \(count) samples" : "\(rows) of \(count) samples"
        let consequence =
            switch (split, other) {
            case ("validation", _): "heads are chosen on it, so they seem better than they are"
            case (_, "unlabeled"), (_, "train"): "its figures are of samples that were trained on"
            default: "its figures are those that heads are chosen by, and no test"
            }
        return "\(split): \(share) are in \(other) too; \(consequence)"
    }

    /// Every split against those before it, in order: train, unlabeled, validation, test.
    static func found(in splits: [(name: String, features: StoredTensor)]) -> [SharedRows] {
        let hashes = splits.map { ($0.name, Self.hashes(of: $0.features)) }
        return hashes.indices.flatMap { later in
            hashes[..<later].compactMap { name, rows -> SharedRows? in
                let (split, own) = hashes[later]
                // Unlabelled samples may well be the training samples.
                guard split != "unlabeled" else { return nil }
                let known = Set(rows)
                let shared = own.count { known.contains($0) }
                guard Double(shared) >= smallestPart * Double(own.count), shared > 0 else { return nil }
                return SharedRows(split: split, other: name, rows: shared, count: own.count)
            }
        }
    }

    /// Hashes of all rows as float32, so that the same values in another precision are the same samples; rows of nothing but
    /// zeros are left out, as broken images give them everywhere.
    private static func hashes(of features: StoredTensor) -> [UInt64] {
        let size = features.rowElements * 4
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: features.rowElements) { scratch in
            let zeros = [Float](repeating: 0, count: features.rowElements).withUnsafeBytes {
                smx_hash($0.baseAddress!, size, 0)
            }
            return (0..<features.rowCount).compactMap { row in
                let hash = smx_hash(features.floats(row: row, scratch: scratch.baseAddress!), size, 0)
                return hash == zeros ? nil : hash
            }
        }
    }
}
