import SelMix
import Testing

/// Against values worked out by hand.
@Suite struct CorrelationTests {
    @Test func tiesShareTheMeanOfTheirRanks() {
        #expect(Correlation.ranks([10, 20, 20, 5]) == [2, 3.5, 3.5, 1])
        #expect(Correlation.ranks([3, 3, 3]) == [2, 2, 2])
        #expect(Correlation.ranks([]) == [])
    }

    @Test func spearman() throws {
        // Sum of squared rank differences 194, so 1 - 6 * 194 / 990.
        let hours: [Double] = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
        let scores: [Double] = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
        #expect(abs(try #require(Correlation.spearman(scores, hours)) + 29 / 165) < 1e-15)
        // Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: 4.5 / sqrt(4.5 * 5).
        let tied = try #require(Correlation.spearman([1, 2, 2, 3], [1, 3, 2, 4]))
        #expect(abs(tied - (0.9).squareRoot()) < 1e-15)
        // Any rising function orders alike.
        let values = [-2, -1, 0.5, 3]
        #expect(abs(try #require(Correlation.spearman(values, values.map { $0 * $0 * $0 })) - 1) < 1e-15)
        #expect(abs(try #require(Correlation.spearman(values, values.map { -$0 })) + 1) < 1e-15)
    }

    @Test func pearson() throws {
        #expect(abs(try #require(Correlation.pearson([1, 2, 3], [3, 5, 7])) - 1) < 1e-15)
        // Deviations -1, 0, 1 against -1, -1, 2: 3 / sqrt(2 * 6).
        #expect(abs(try #require(Correlation.pearson([1, 2, 3], [1, 1, 4])) - 3 / (12.0).squareRoot()) < 1e-15)
    }

    @Test func noOrderNoCorrelation() {
        #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil)
        #expect(Correlation.spearman([1, 2, 3], [2, 2, 2]) == nil)
        #expect(Correlation.spearman([1], [1]) == nil)
    }
}
