import Testing

@testable import Runtime

@Suite struct DataDescriptionTests {
    @Test func histogramsCoverEveryClassOnce() {
        func bins(_ sizes: [Int]) -> [String] {
            DataDescription.histogram(sizes).map { "\($0.from)-\($0.to): \($0.classes)" }
        }
        #expect(bins([1, 2, 4, 5, 9, 10]) == ["1-1: 1", "2-4: 2", "5-9: 2", "10-19: 1"])
        #expect(bins([0, 3]) == ["0-0: 1", "1-1: 0", "2-4: 1"])
        #expect(bins([1280, 5]).first == "5-9: 1" && bins([1280, 5]).last == "1000-1999: 1")
        #expect(bins([7, 7]) == ["5-9: 2"])
        #expect(bins([]).isEmpty)
        for largest in [1, 9, 10, 49, 50, 99, 100, 101, 5000] {
            #expect(DataDescription.histogram(Array(0...largest)).reduce(0) { $0 + $1.classes } == largest + 1)
        }
    }
}
