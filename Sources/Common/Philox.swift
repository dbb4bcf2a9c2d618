/// The counter-based generator Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
///
/// Every random number of a run is a pure function of the run's seed and of where it is used, so that whoever computes a
/// slot, and how often, draws the same numbers.
public struct Philox: Sendable {
    /// What a number is for; part of the counter, so that no two uses share a stream. Values are part of the format:
    /// changing one changes every run.
    public enum Purpose: UInt32, Sendable {
        case classPair = 1
        case samples = 2
        case mixRatio = 3
        case probe = 4
        case synthesis = 5
        case jitter = 6
        case diagnosis = 7
        case audit = 8
        case folds = 9
        case bootstrap = 10
    }

    private let key: (UInt32, UInt32)

    public init(seed: UInt64) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    /// The block of random bits for one place of use.
    ///
    /// - Parameters:
    ///   - index: the round or the step.
    ///   - slot: the position in the global batch, or whatever is counted within `index`.
    ///   - lane: a further block for the same slot.
    public func block(_ purpose: Purpose, index: Int, slot: Int, lane: UInt32 = 0) -> Block {
        Block(
            words: Self.rounds(
                counter: (purpose.rawValue, UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: slot), lane),
                key: key))
    }

    /// 128 random bits.
    public struct Block: Sendable {
        public let words: (UInt32, UInt32, UInt32, UInt32)
        public var low: UInt64 { UInt64(words.1) << 32 | UInt64(words.0) }
        public var high: UInt64 { UInt64(words.3) << 32 | UInt64(words.2) }
    }

    /// The ten rounds. Internal form, exposed to the known-answer tests.
    static func rounds(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var (c0, c1, c2, c3) = counter
        var (k0, k1) = key
        for _ in 0..<10 {
            let p0 = UInt64(0xD251_1F53) * UInt64(c0)
            let p1 = UInt64(0xCD9E_8D57) * UInt64(c2)
            (c0, c1, c2, c3) = (
                UInt32(p1 >> 32) ^ c1 ^ k0, UInt32(truncatingIfNeeded: p1),
                UInt32(p0 >> 32) ^ c3 ^ k1, UInt32(truncatingIfNeeded: p0)
            )
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return (c0, c1, c2, c3)
    }
}

extension UInt64 {
    /// Maps 64 random bits to [0, 1) in steps of 2^-53.
    public var unitInterval: Double { Double(self >> 11) * 0x1p-53 }

    /// Maps 64 random bits to 0 ..< count; the bias is at most count / 2^64.
    public func scaled(to count: Int) -> Int { Int(self.multipliedFullWidth(by: UInt64(count)).high) }
}
