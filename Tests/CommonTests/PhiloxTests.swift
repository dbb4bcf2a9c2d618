import Testing

@testable import Common

@Suite struct PhiloxTests {
    /// The known answers that the authors of Random123 publish for philox4x32-10.
    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])])
    func knownAnswers(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
        let words = Philox.rounds(
            counter: (counter[0], counter[1], counter[2], counter[3]), key: (key[0], key[1]))
        #expect([words.0, words.1, words.2, words.3] == answer)
    }

    @Test func scalingCoversTheRangeEvenly() {
        let philox = Philox(seed: 7)
        var hits = [Int](repeating: 0, count: 7)
        for slot in 0..<70_000 { hits[philox.block(.samples, index: 0, slot: slot).low.scaled(to: 7)] += 1 }
        // Chi-square with 6 degrees of freedom; 22.5 is its 99.9 % point, and the seed is fixed.
        let statistic = hits.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
        #expect(statistic < 22.5)
        #expect(UInt64.max.scaled(to: 7) == 6)
        #expect(UInt64.max.unitInterval < 1)
    }
}
