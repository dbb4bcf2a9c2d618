import Coordination
import Foundation
import SelMix
import Training

extension SelfTest {
    private static let side = 256
    private static let copied = 16 << 20
    private static let read = 16 << 20

    /// Measures this machine in a few hundredths of a second, the best of some tries each, since others may be at work on it too.
    ///
    /// - Parameter features: the training features, whose first read tells of their disk.
    static func measure(features: StoredTensor) throws -> SelfTest {
        var test = SelfTest()
        test.diskBytesPerSecond = diskRate(features)
        test.matrixFlopsPerSecond = try matrixRate()
        test.memoryBytesPerSecond = memoryRate()
        return test
    }

    private static func matrixRate() throws -> Double {
        let product = try MatrixProduct(.init(m: side, n: side, k: side))
        let operands = (0..<3).map { _ in AlignedBuffer(byteCount: side * side * 4, zeroed: true) }
        let best = try shortest(of: 8) {
            try product(
                UnsafePointer(operands[0].floats().baseAddress!), UnsafePointer(operands[1].floats().baseAddress!),
                into: operands[2].floats().baseAddress!)
        }
        return 2 * Double(side * side * side) / best
    }

    private static func memoryRate() -> Double {
        let (source, target) = (
            AlignedBuffer(byteCount: copied, zeroed: true), AlignedBuffer(byteCount: copied, zeroed: true)
        )
        let best = shortest(of: 3) { memcpy(target.pointer, source.pointer, copied) }
        return 2 * Double(copied) / best
    }

    /// One page after another, once: the second time they are in memory.
    private static func diskRate(_ features: StoredTensor) -> Double {
        let bytes = features.bytes.prefix(read)
        var sum = 0
        let took = shortest(of: 1) {
            for index in stride(from: bytes.startIndex, to: bytes.endIndex, by: 4096) { sum &+= Int(bytes[index]) }
        }
        return withExtendedLifetime(sum) { bytes.isEmpty ? 0 : Double(bytes.count) / took }
    }

    /// Seconds.
    private static func shortest(of tries: Int, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<tries {
            let begin = SystemClock.now
            try body()
            best = min(best, (SystemClock.now - begin).seconds)
        }
        return max(best, 1e-9)
    }
}
