/// Random numbers that follow from a seed (SplitMix64), so that a failing case is found again by its number. It is much
/// faster than Philox in a debug build, which hundreds of thousands of mutations need.
struct Draw {
    private var state: UInt64

    init(seed: UInt64, number: Int = 0) { state = seed &+ UInt64(number) &* 0xD1B5_4A32_D192_ED03 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// 0 ..< limit.
    mutating func below(_ limit: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(limit)).high) }

    mutating func bool() -> Bool { next() & 1 == 1 }
    mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

    /// Any length in bits is as likely as any other, so that small, large and limiting values all occur.
    mutating func number(bits: Int = 64) -> UInt64 {
        let length = below(bits + 1)
        if length == 0 { return 0 }
        let largest = UInt64.max >> UInt64(64 - length)
        return below(8) == 0 ? largest : next() & largest
    }

    /// The name of a worker, or none.
    mutating func name() -> String {
        let alphabet = Array("aZ09._-/:@+")
        let name = "w" + String((0..<below(200)).map { _ in alphabet[below(alphabet.count)] })
        return below(8) == 0 ? "" : name
    }

    /// A text of at most `longest` bytes of UTF-8 without a zero, now and then of exactly that many.
    mutating func text(_ longest: Int = 256) -> String {
        let alphabet: [Character] = ["a", "Z", "0", "-", " ", "/", "\"", "é", "β", "漢", "🧪", "e\u{301}"]
        let wanted = below(4) == 0 ? longest : below(24)
        var text = ""
        while true {
            let character = alphabet[below(alphabet.count)]
            guard text.utf8.count + character.utf8.count <= wanted else { break }
            text.append(character)
        }
        return text + String(repeating: "x", count: wanted - text.utf8.count)
    }
}
