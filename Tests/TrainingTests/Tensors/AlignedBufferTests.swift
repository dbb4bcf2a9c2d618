import Testing
import Training

@Suite struct AlignedBufferTests {
    @Test(arguments: [0, 1, 63, 64, 65, 4096]) func startsOnACacheLineAndAsZerosWhenAsked(byteCount: Int) {
        let buffer = AlignedBuffer(byteCount: byteCount, zeroed: true)
        #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
        #expect(buffer.bytes.count == byteCount)
        #expect(buffer.bytes.allSatisfy { $0 == 0 })
    }

    @Test func copiesBytesAndShowsThemAsNumbers() {
        let values: [Float] = [1, -2, .infinity]
        let buffer = values.withUnsafeBytes { AlignedBuffer(bytes: $0) }
        #expect(Array(buffer.floats()) == values)
        buffer.floats()[1] = 7
        #expect(Array(buffer.floats()) == [1, 7, .infinity])
        #expect(values[1] == -2)
    }
}

@Suite struct DataTypeTests {
    @Test func sizesMatchTheBitsInTheName() {
        for type in DataType.allCases where type != .bool {
            #expect(Int(type.rawValue.drop { !$0.isNumber }) == type.byteCount * 8)
        }
        #expect(DataType.bool.byteCount == 1)
    }

    @Test func everyTypeIsFloatingPointOrIntegerOrBool() {
        for type in DataType.allCases {
            #expect([type.isFloatingPoint, type.isInteger, type == .bool].count { $0 } == 1)
        }
    }

    @Test func sizesOfShapesAreChecked() {
        #expect(DataType.float32.byteCount(of: []) == 4)
        #expect(DataType.float32.byteCount(of: [2, 3]) == 24)
        #expect(DataType.float32.byteCount(of: [2, 0]) == 0)
        #expect(DataType.float32.byteCount(of: [2, -1]) == nil)
        #expect(DataType.float32.byteCount(of: [.max]) == nil)
        #expect(DataType.int8.byteCount(of: [.max]) == .max)
        #expect(DataType.int8.byteCount(of: [0, .max, 2]) == nil)
    }
}
