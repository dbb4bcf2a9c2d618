import CKernels
import Common
import Coordination
import SelMix
import Training

/// What one core of this machine can do at most: the figures that all others are held against.
public struct KernelsBench: Sendable, Encodable {
    /// Of the products of a training step, logits of a shard of 128 samples, on one thread.
    public var float32Gflops: Double
    /// Nil where the processor has no instructions for it.
    public var bfloat16Gflops: Double?
    /// Why there is no rate in bfloat16; nil where there is one.
    public var bfloat16Missing: String?
    /// Of a sum of two arrays into a third, all larger than the caches: bytes read and written.
    public var memoryGBPerSecond: Double
    public var instructionSet: String
    public var matrixLibrary: String

    public init(classes: Int, dimension: Int) throws {
        instructionSet = InstructionSet.best
        matrixLibrary = "oneDNN \(InstructionSet.libraryVersion)"
        try InstructionSet.use(instructionSet)
        let shape = MatrixProduct.Shape(m: 128, n: classes, k: dimension, transposedB: true)
        float32Gflops = try BenchData.productGflops(shape, type: .float32)
        let needed = "avx512_core_bf16"
        if InstructionSet.isSupported(needed) {
            bfloat16Gflops = try BenchData.productGflops(shape, type: .bfloat16)
        } else {
            bfloat16Missing = "the processor lacks \(needed); its best is \(instructionSet)"
        }
        let count = 32 << 20
        let arrays = (0..<3).map { _ in AlignedBuffer(byteCount: count * 4, zeroed: true) }
        let seconds = BenchData.leastSeconds {
            let values = arrays.map { $0.floats().baseAddress! }
            smx_sum(values[0], values[1], values[2], count)
        }
        memoryGBPerSecond = Double(3 * count * 4) / seconds / 1e9
    }

    private enum CodingKeys: CodingKey {
        case float32Gflops, bfloat16Gflops, bfloat16Missing, memoryGBPerSecond, instructionSet, matrixLibrary
    }

    /// A missing rate is null, not absent.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(float32Gflops, forKey: .float32Gflops)
        try values.encode(bfloat16Gflops, forKey: .bfloat16Gflops)
        try values.encodeIfPresent(bfloat16Missing, forKey: .bfloat16Missing)
        try values.encode(memoryGBPerSecond, forKey: .memoryGBPerSecond)
        try values.encode(instructionSet, forKey: .instructionSet)
        try values.encode(matrixLibrary, forKey: .matrixLibrary)
    }
}
