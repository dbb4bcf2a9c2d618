/// Where all chance of a simulation comes from: a small generator (SplitMix64, Steele, Lea and Flood, 2014) with one seed.
///
/// Each concern draws from its own dice, forked from the seed in a fixed order, so that a change in how one of them draws
/// leaves the others' draws alone.
struct Dice: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    mutating func fork() -> Dice { Dice(seed: next()) }

    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) * 0x1p-53 < probability
    }

    mutating func whole(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next().multipliedFullWidth(by: UInt64(range.count)).high)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[whole(0...elements.count - 1)] }

    /// Uniform between the two, in whole microseconds.
    mutating func duration(_ low: Duration, _ high: Duration) -> Duration {
        low + .microseconds(whole(0...max(0, Int((high - low).microseconds))))
    }

    /// A bijection of 64 bits in which every input bit reaches every output bit.
    static func mixed(_ bits: UInt64) -> UInt64 {
        var z = bits
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
