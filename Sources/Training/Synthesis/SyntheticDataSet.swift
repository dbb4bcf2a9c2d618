import CKernels
import Common
import Dispatch

/// A made-up data set as a .safetensors file: `train.features`, `train.labels` and so on.
///
/// Written in a stream: only a few rows of features are in memory at a time.
public struct SyntheticDataSet: Sendable {
    public let profile: SyntheticProfile
    public let features: SyntheticFeatures
    /// Training samples per class, [K].
    public let classSizes: [Int]
    /// float32, float16 or bfloat16.
    public let dataType: DataType

    /// - Throws: `usage` when the profile's figures contradict each other.
    public init(_ profile: SyntheticProfile, dataType: DataType = .float32, seed: UInt64) throws {
        precondition([.float32, .float16, .bfloat16].contains(dataType))
        self.profile = profile
        self.dataType = dataType
        classSizes = try profile.classSizes()
        features = SyntheticFeatures(classes: profile.classes, dimension: profile.dimension, seed: seed)
    }

    /// Samples of each class in a split, [K].
    public func sizes(_ split: SyntheticSplit) -> [Int] {
        switch split {
        case .train: classSizes
        case .validation: [Int](repeating: profile.validationPerClass, count: profile.classes)
        case .test: [Int](repeating: profile.testPerClass, count: profile.classes)
        }
    }

    public var splits: [SyntheticSplit] { SyntheticSplit.allCases.filter { sizes($0).contains { $0 > 0 } } }

    public var sampleCount: Int { splits.reduce(0) { $0 + sizes($1).reduce(0, +) } }

    /// Bytes of the features of all splits, which is nearly all of the file.
    public var featureBytes: Int { sampleCount * profile.dimension * dataType.byteCount }

    /// - Parameters:
    ///   - threads: how many make features at a time; the bytes are the same with any number.
    ///   - progress: told how many samples are written; what it throws ends the writing, and nothing is left.
    /// - Throws: `failed` when the disk refuses.
    public func write(
        to path: String, threads: Int, metadata: [String: String] = [:],
        progress: @escaping @Sendable (_ samples: Int) throws -> Void = { _ in }
    ) throws {
        var tensors: [TensorContent] = []
        var before = 0
        // Features come in the order of their names, so a split's share of the progress begins where the one before ends.
        for split in splits.sorted(by: { $0.prefix < $1.prefix }) {
            let labels = features.labels(split, sizes: sizes(split))
            let first = before
            before += labels.count
            tensors.append(TensorContent(name: "\(split.prefix).labels", shape: [labels.count], values: labels))
            tensors.append(
                TensorContent(
                    name: "\(split.prefix).features", dataType: dataType, shape: [labels.count, profile.dimension]
                ) { write in
                    try writeFeatures(split, labels: labels, threads: threads) { rows, bytes in
                        try write(bytes)
                        try progress(first + rows)
                    }
                })
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    }

    /// Calls `write` with one chunk of rows after the other, and how many rows there are with it.
    private func writeFeatures(
        _ split: SyntheticSplit, labels: [Int64], threads: Int, write: (Int, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let rowBytes = profile.dimension * dataType.byteCount
        let chunkRows = max(1, (4 << 20) / rowBytes)
        let buffer = AlignedBuffer(byteCount: chunkRows * rowBytes)
        for first in stride(from: 0, to: labels.count, by: chunkRows) {
            let rows = first..<min(first + chunkRows, labels.count)
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: profile.dimension) { row in
                    for index in stride(from: rows.lowerBound + thread, to: rows.upperBound, by: threads) {
                        features.fill(split, row: index, label: Int(labels[index]), into: row.baseAddress!)
                        dataType.store(UnsafeBufferPointer(row), at: buffer.pointer + (index - first) * rowBytes)
                    }
                }
            }
            try write(rows.upperBound, UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<rows.count * rowBytes]))
        }
    }
}

extension DataType {
    /// Rounds to this type, to the nearest and to even at a tie.
    fileprivate func store(_ values: UnsafeBufferPointer<Float>, at destination: UnsafeMutableRawPointer) {
        switch self {
        case .float32: destination.copyMemory(from: values.baseAddress!, byteCount: values.count * 4)
        case .float16:
            let halves = destination.assumingMemoryBound(to: Float16.self)
            for (index, value) in values.enumerated() { halves[index] = Float16(value) }
        case .bfloat16:
            smx_float_to_bfloat(values.baseAddress!, destination.assumingMemoryBound(to: UInt16.self), values.count)
        default: preconditionFailure("features are never \(rawValue)")
        }
    }
}
