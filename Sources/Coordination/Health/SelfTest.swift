import Common

/// How fast a worker's machine is, measured once before the first shard. What is zero was not measured.
public struct SelfTest: Equatable, Sendable {
    /// A product in float32 on one thread.
    public var matrixFlopsPerSecond = 0.0
    /// A copy in memory, bytes read and written.
    public var memoryBytesPerSecond = 0.0
    /// The first read of the training features, from wherever they are.
    public var diskBytesPerSecond = 0.0
    /// From hello to welcome, in seconds.
    public var roundTrip = 0.0

    public init() {}
}

extension SelfTest {
    /// A part of the peers' median below which a machine is far behind. Disks and networks differ more than processors do,
    /// and matter less as long as they are fast enough.
    private static let farBelow = 0.4
    private static let farBelowDisk = 0.1
    private static let fastDisk = 200e6
    private static let fastNetwork = 0.02

    /// What is far below the peers' median, a sentence each; empty with fewer than two peers, which are no measure.
    public func problems(comparedWith peers: [SelfTest]) -> [String] {
        guard peers.count >= 2 else { return [] }
        var problems: [String] = []
        func compare(_ key: KeyPath<SelfTest, Double>, _ what: String, below limit: Double, unless fine: Double) {
            let (mine, median) = (self[keyPath: key], Self.median(peers.map { $0[keyPath: key] }.filter { $0 > 0 }))
            guard mine > 0, median > 0, mine < median * limit, mine < fine else { return }
            problems.append("\(what) at \(Int(saturating: mine / median * 100)) % of the others' median")
        }
        compare(\.matrixFlopsPerSecond, "matrix products run", below: Self.farBelow, unless: .infinity)
        compare(\.memoryBytesPerSecond, "memory is copied", below: Self.farBelow, unless: .infinity)
        compare(\.diskBytesPerSecond, "the training data are read", below: Self.farBelowDisk, unless: Self.fastDisk)
        let median = Self.median(peers.map(\.roundTrip).filter { $0 > 0 })
        if roundTrip > max(median * 10, Self.fastNetwork), median > 0 {
            problems.append(
                "a message takes \(Int(saturating: roundTrip * 1000)) ms, \(Int(saturating: roundTrip / median)) times "
                    + "the others' median")
        }
        return problems
    }

    /// 0 of nothing; of an even number the lower one of the two in the middle.
    static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[(values.count - 1) / 2]
    }
}
