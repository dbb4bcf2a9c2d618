import Foundation
import Testing
import Training

@testable import Runtime

/// Samples that are in two splits are found, whatever the files and the precision, and what is no mistake is left alone.
@Suite struct SharedRowsTests {
    private static let dimension = 3

    private static func split<Value: TensorScalar & BinaryFloatingPoint>(
        _ rows: Range<Int>, as type: Value.Type = Float.self, zeros: Int = 0
    ) throws -> StoredTensor {
        let values = rows.flatMap { row in (0..<dimension).map { Value(row * dimension + $0 + 1) } }
        let all = values + [Value](repeating: 0, count: zeros * dimension)
        let bytes = try SafetensorsWriter.encode([
            TensorContent(name: "x", shape: [rows.count + zeros, dimension], values: all)
        ])
        return try TensorFile.decode(bytes.withUnsafeBytes { AlignedBuffer(bytes: $0) }, path: "a.safetensors").tensor(
            nil)
    }

    private static func found(_ splits: [(name: String, features: StoredTensor)]) -> [SharedRows] {
        SharedRows.found(in: splits)
    }

    @Test func theSameSplitTwice() throws {
        let found = try Self.found([
            ("train", Self.split(0..<100)), ("validation", Self.split(0..<100)), ("test", Self.split(200..<240)),
        ])
        #expect(found == [SharedRows(split: "validation", other: "train", rows: 100, count: 100)])
        #expect(found[0].description.hasPrefix("validation: all 100 samples are in train too; heads are chosen on it"))
    }

    @Test func anotherPrecisionAndAnotherOrderAreTheSameSamples() throws {
        let found = try Self.found([
            ("train", Self.split(0..<100)), ("validation", Self.split(100..<150, as: Float16.self)),
            ("test", Self.split(120..<170)),
        ])
        #expect(found == [SharedRows(split: "test", other: "validation", rows: 30, count: 50)])
        #expect(found[0].description.hasPrefix("test: 30 of 50 samples are in validation too"))
    }

    /// A few duplicates are in many collections, broken images give zeros everywhere, and unlabelled samples may be the
    /// training samples; but not those that heads are judged on.
    @Test func whatIsNoMistakeIsLeftAlone() throws {
        #expect(try Self.found([("train", Self.split(0..<400)), ("validation", Self.split(398..<700))]).isEmpty)
        #expect(
            try Self.found([
                ("train", Self.split(0..<10, zeros: 5)), ("validation", Self.split(20..<30, zeros: 5)),
            ]).isEmpty)
        #expect(try Self.found([("train", Self.split(0..<10)), ("unlabeled", Self.split(0..<10))]).isEmpty)
        let leaked = try Self.found([
            ("train", Self.split(0..<10)), ("unlabeled", Self.split(10..<60)), ("validation", Self.split(70..<90)),
            ("test", Self.split(50..<70)),
        ])
        #expect(leaked == [SharedRows(split: "test", other: "unlabeled", rows: 10, count: 20)])
    }
}
