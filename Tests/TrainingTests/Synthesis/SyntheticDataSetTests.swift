import Common
import Testing

@testable import Training

@Suite struct SyntheticDataSetTests {
    private let directory: TensorDirectory

    init() throws { directory = try TensorDirectory() }

    static var profile: SyntheticProfile {
        var profile = SyntheticProfile(.custom)
        (profile.classes, profile.dimension, profile.largest, profile.smallest) = (20, 50, 60, 3)
        (profile.validationPerClass, profile.testPerClass) = (4, 2)
        return profile
    }

    private func write(
        _ name: String, type: DataType = .float32, seed: UInt64 = 7, threads: Int = 2
    ) throws -> TensorFile {
        let path = directory[name + ".safetensors"]
        try SyntheticDataSet(Self.profile, dataType: type, seed: seed).write(to: path, threads: threads)
        return try TensorFile.open(path)
    }

    @Test func theBytesAreAFunctionOfTheSeed() throws {
        for threads in 1...3 { _ = try write("\(threads)", threads: threads) }
        let bytes = try directory.bytes(of: "1.safetensors")
        #expect(try directory.bytes(of: "2.safetensors") == bytes)
        #expect(try directory.bytes(of: "3.safetensors") == bytes)
        _ = try write("other", seed: 8)
        #expect(try directory.bytes(of: "other.safetensors") != bytes)
        // The same on every machine; changes of it are breaking ones.
        let digest = String(try write("again").tensor("train.features").digest(), radix: 16)
        #expect(digest == "bd0c2cc8f00c7562")
    }

    @Test func splitsAreDistinctAndHaveTheirSizes() throws {
        let file = try write("a")
        let set = try SyntheticDataSet(Self.profile, seed: 7)
        #expect(
            file.names.sorted() == [
                "test.features", "test.labels", "train.features", "train.labels", "validation.features",
                "validation.labels",
            ])
        var rows: Set<[Float]> = []
        for split in SyntheticSplit.allCases {
            let labels = try file.tensor("\(split.prefix).labels").integers()
            var counts = [Int](repeating: 0, count: 20)
            for label in labels { counts[label] += 1 }
            #expect(counts == set.sizes(split))
            #expect(labels != labels.sorted(), "classes come in a random order")
            let features = try file.tensor("\(split.prefix).features")
            #expect(features.shape == [labels.count, 50])
            let values = try features.floatArray()
            #expect(values.allSatisfy { $0 >= 0 && $0.isFinite })
            let zeros = Double(values.count { $0 == 0 }) / Double(values.count)
            #expect((0.3...0.7).contains(zeros), "as after a ReLU")
            for start in stride(from: 0, to: values.count, by: 50) { rows.insert(Array(values[start..<start + 50])) }
        }
        #expect(rows.count == set.sampleCount, "no sample is there twice")
    }

    @Test func narrowTypesAreTheRoundedValues() throws {
        let exact = try write("exact").tensor("test.features").floatArray()
        let half = try write("half", type: .float16).tensor("test.features")
        #expect(half.dataType == .float16)
        #expect(try half.floatArray() == exact.map { Float(Float16($0)) })
        let brain = try write("brain", type: .bfloat16).tensor("test.features")
        #expect(brain.dataType == .bfloat16)
        for (rounded, value) in zip(try brain.floatArray(), exact) {
            #expect(rounded.bitPattern & 0xffff == 0)
            #expect(abs(rounded - value) <= value * 0x1p-8)
        }
    }

    /// Of all class means, the nearest to a frequent class's is one of its group.
    @Test func groupsOfClassesAreConfusable() throws {
        let file = try write("a")
        let (features, labels) = (
            try file.tensor("train.features").floatArray(), try file.tensor("train.labels").integers()
        )
        var means = [[Float]](repeating: [Float](repeating: 0, count: 50), count: 20)
        var counts = [Float](repeating: 0, count: 20)
        for (row, label) in labels.enumerated() {
            counts[label] += 1
            for column in 0..<50 { means[label][column] += features[row * 50 + column] }
        }
        for k in means.indices { means[k] = means[k].map { $0 / counts[k] } }
        // The first ten have enough samples for a mean that tells something; groups are k mod 4.
        let related = (0..<10).count { k in
            let distances = (0..<10).map { other in
                other == k
                    ? Float.infinity : zip(means[k], means[other]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            return distances.firstIndex(of: distances.min()!)! % 4 == k % 4
        }
        #expect(related >= 8)
    }

    @Test func whatIsInterruptedLeavesNothing() throws {
        struct Interrupted: Error {}
        #expect(throws: Interrupted.self) {
            try SyntheticDataSet(Self.profile, seed: 7).write(to: directory["a.safetensors"], threads: 2) { _ in
                throw Interrupted()
            }
        }
        #expect(try directory.names.isEmpty)
    }

    @Test func aPlainHeadServesTheFrequentClasses() throws {
        let file = try write("a")
        func split(_ name: String) throws -> LabeledFeatures {
            try LabeledFeatures(
                features: file.tensor("\(name).features"), labels: file.tensor("\(name).labels"), classes: 20,
                dimension: 50, role: name, needsEveryClass: true)
        }
        var steps: [Int] = []
        let training = PlainHead(epochs: 60, seed: 3)
        let head = try training.train(on: split("train"), threads: 1) { done, _ in steps.append(done) }
        #expect(steps == Array(1...training.steps(samples: try split("train").count)))
        for threads in [2, 3, 20] {
            #expect(try training.train(on: split("train"), threads: threads).digest == head.digest)
        }
        let predictions = try HeadEvaluation(classes: 20, dimension: 50).predict(
            split("validation").features, shard: ShardID(0), of: 1, weights: head)
        let hits = zip(try split("validation").labels, predictions).filter { $0.0 == $0.1 }.map(\.0)
        let (frequent, rare) = (hits.count { $0 < 5 }, hits.count { $0 >= 15 })
        #expect(frequent >= 12, "\(frequent) of 20")
        #expect(rare < frequent / 2, "\(rare) of 20")
    }
}
