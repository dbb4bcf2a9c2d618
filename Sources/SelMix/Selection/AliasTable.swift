import Common

/// Draws from a fixed discrete distribution in constant time (Walker's alias method, built after Vose).
struct AliasTable: Sendable {
    /// Below it a cell is itself. Rounded from double, which moves a probability by at most 2^-25 of 1/K.
    private let threshold: [Float]
    private let alias: [Int32]

    /// - Parameter weights: non-negative, with a positive sum; need not be normalised.
    init(weights: some Collection<Double>) {
        let count = weights.count
        let sum = weights.reduce(0, +)
        precondition(sum > 0, "an alias table of no mass")
        var threshold = weights.map { $0 / sum * Double(count) }
        var alias = (0..<Int32(count)).map { $0 }
        var small = threshold.indices.filter { threshold[$0] < 1 }
        var large = threshold.indices.filter { threshold[$0] >= 1 }
        while let less = small.last, let more = large.last {
            small.removeLast()
            alias[less] = Int32(more)
            threshold[more] -= 1 - threshold[less]
            if threshold[more] < 1 {
                large.removeLast()
                small.append(more)
            }
        }
        // What is left on either side differs from 1 by rounding alone.
        for index in large + small { threshold[index] = 1 }
        self.threshold = threshold.map { Float($0) }
        self.alias = alias
    }

    /// - Parameter bits: 64 random bits; the high part of a multiplication picks the cell, the low part the side.
    func draw(_ bits: UInt64) -> Int {
        let (cell, rest) = UInt64(threshold.count).multipliedFullWidth(by: bits)
        return rest.unitInterval < Double(threshold[Int(cell)]) ? Int(cell) : Int(alias[Int(cell)])
    }
}
