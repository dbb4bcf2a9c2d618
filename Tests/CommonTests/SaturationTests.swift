import Common
import Testing

@Suite struct SaturationTests {
    private static let extremes = [
        0, -0.0, .leastNonzeroMagnitude, 0.5, 1.5, 1e15, 9.3e18, 1e19, 1e300, .greatestFiniteMagnitude, .infinity, .nan,
    ]

    @Test func anyNumberHasANearestInteger() {
        for value in Self.extremes.flatMap({ [$0, -$0] }) {
            let whole = Int(saturating: value)
            #expect(value.isNaN ? whole == 0 : (value < 0 ? whole <= 0 : whole >= 0), "\(value) became \(whole)")
            _ = UInt8(saturating: value)
        }
        #expect(Int(saturating: 1e300) == .max && Int(saturating: -1e300) == .min)
        #expect(Int(saturating: 2.5) == 3 && Int(saturating: -2.4) == -2)
        #expect(UInt8(saturating: 256) == 255 && UInt8(saturating: -1) == 0)
    }

    @Test func sumsStayWithinTheirType() {
        #expect(UInt64.max.addingSaturated(1) == .max)
        #expect(Int.min.addingSaturated(-1) == .min && Int.max.addingSaturated(1) == .max)
        #expect(Int.max.addingSaturated(-1) == .max - 1)
    }

    @Test func anyNumberOfSecondsIsATime() {
        for value in Self.extremes.flatMap({ [$0, -$0] }) {
            let time = Duration.saturated(seconds: value)
            #expect(time + time >= .seconds(-2 * Duration.longestSeconds))
        }
        #expect(Duration.saturated(seconds: 1.5) == .seconds(1.5))
        #expect(Duration.saturated(seconds: .nan) == .zero)
    }
}
