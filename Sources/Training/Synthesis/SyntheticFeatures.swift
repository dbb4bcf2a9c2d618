import Common

/// Made-up features that behave like those of a network's last pooling layer: not negative, about half of them zero, with
/// classes that are easily told apart and others that are not.
///
/// A sample has r latent values: its class's mean plus noise. Classes come in groups of about five, whose means are closer to
/// each other than to those of other groups; a group holds frequent classes and rare ones, so that a rare class has frequent
/// ones to lose its samples to. A feature is max(0, a weighted sum of four latent values plus noise).
///
/// Every value is a function of the seed and of its place, in IEEE single steps that nothing contracts or reorders: the same
/// bytes on every machine, with any number of threads.
public struct SyntheticFeatures: Sendable {
    public let classes: Int
    public let dimension: Int
    private let latentDimension: Int
    private let philox: Philox
    /// [K, r].
    private let means: [Float]
    /// [d, 4]: which latent values a feature is the sum of, and their weights.
    private let sources: [UInt8]
    private let weights: [Float]

    /// In units of the noise within a class, as distances between two means.
    private static let distanceOfGroups = 5.6
    private static let distanceWithinGroups = 3.2
    private static let groupSize = 5
    private static let noise: Float = 0.3

    /// Which stream of random numbers; a split's two streams follow.
    private enum Lane: UInt32 {
        case group, offset, source, weight, order
        static let splits: UInt32 = 16
    }

    public init(classes: Int, dimension: Int, seed: UInt64) {
        let philox = Philox(seed: seed)
        let r = min(64, max(4, dimension / 4))
        (self.classes, self.dimension, self.philox, latentDimension) = (classes, dimension, philox, r)

        func normals(_ lane: Lane, index: Int, count: Int) -> [Float] {
            (0..<count).map {
                Self.normal(philox.block(.synthesis, index: index, slot: $0, lane: lane.rawValue).words.0)
            }
        }
        let groups = max(1, classes / Self.groupSize)
        let ofGroups = Self.distanceOfGroups / Double(2 * r).squareRoot()
        let withinGroups = Self.distanceWithinGroups / Double(2 * r).squareRoot()
        let centers = (0..<groups).map { normals(.group, index: $0, count: r) }
        means = (0..<classes).flatMap { k in
            zip(centers[k % groups], normals(.offset, index: k, count: r)).map {
                $0 * Float(ofGroups) + $1 * Float(withinGroups)
            }
        }
        sources = (0..<dimension).flatMap { j in
            let words = philox.block(.synthesis, index: j, slot: 0, lane: Lane.source.rawValue).words
            return [words.0, words.1, words.2, words.3].map { UInt8((UInt64($0) << 32).scaled(to: r)) }
        }
        // A weighted sum of four latent values has a variance of about 1.
        let scale = 1 / (4 * (1 + ofGroups * ofGroups + withinGroups * withinGroups)).squareRoot()
        weights = (0..<dimension).flatMap { j in
            normals(.weight, index: j, count: 4).map { $0 * Float(scale) }
        }
    }

    /// The labels of a split with `sizes[k]` samples of class k, in an order that the seed decides.
    public func labels(_ split: SyntheticSplit, sizes: [Int]) -> [Int64] {
        var labels = sizes.enumerated().flatMap { [Int64](repeating: Int64($0), count: $1) }
        for last in labels.indices.dropFirst().reversed() {
            let bits = philox.block(.synthesis, index: last, slot: split.rawValue, lane: Lane.order.rawValue).low
            labels.swapAt(last, bits.scaled(to: last + 1))
        }
        return labels
    }

    /// Writes one sample's features, [d].
    ///
    /// - Parameter row: the sample's position in its split.
    public func fill(
        _ split: SyntheticSplit, row: Int, label: Int, into features: UnsafeMutablePointer<Float>
    ) {
        let lane = Lane.splits + 2 * UInt32(split.rawValue)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: latentDimension) { latent in
            for first in stride(from: 0, to: latentDimension, by: 4) {
                let noise = normals(row: row, block: first / 4, lane: lane)
                for i in 0..<min(4, latentDimension - first) {
                    latent[first + i] = means[label * latentDimension + first + i] + noise[i]
                }
            }
            sources.withUnsafeBufferPointer { sources in
                weights.withUnsafeBufferPointer { weights in
                    for first in stride(from: 0, to: dimension, by: 4) {
                        let noise = normals(row: row, block: first / 4, lane: lane + 1)
                        for i in 0..<min(4, dimension - first) {
                            let j = 4 * (first + i)
                            var value = Self.noise * noise[i]
                            value += weights[j] * latent[Int(sources[j])]
                            value += weights[j + 1] * latent[Int(sources[j + 1])]
                            value += weights[j + 2] * latent[Int(sources[j + 2])]
                            value += weights[j + 3] * latent[Int(sources[j + 3])]
                            features[first + i] = max(0, value)
                        }
                    }
                }
            }
        }
    }

    private func normals(row: Int, block: Int, lane: UInt32) -> SIMD4<Float> {
        let words = philox.block(.synthesis, index: row, slot: block, lane: lane).words
        return SIMD4(
            Self.normal(words.0), Self.normal(words.1), Self.normal(words.2), Self.normal(words.3))
    }

    /// 32 random bits as a number of mean 0 and variance 1: the sum of four uniform bytes, which is close to normal and needs
    /// no logarithm, whose last bit would depend on the machine's library.
    private static func normal(_ word: UInt32) -> Float {
        let pairs = (word & 0x00ff_00ff) &+ (word >> 8 & 0x00ff_00ff)
        let sum = (pairs & 0xffff) &+ (pairs >> 16)
        // 4 (256^2 - 1) / 12 is the variance of the sum.
        return (Float(sum) - 510) * (1 / Float(21845).squareRoot())
    }
}
