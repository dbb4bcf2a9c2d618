import Common
import Testing
import Training

/// Numbers out of stored tensors, at any alignment.
@Suite struct TensorValuesTests {
    /// A tensor [elements / columns, columns] whose bytes start at an address with the given remainder modulo 8.
    private static func tensor(_ type: DataType, columns: Int, bytes: [UInt8], offset: Int = 0) throws -> StoredTensor {
        // A header of a length of our choice and a one-byte tensor in front put the data anywhere.
        let shape = "[\(bytes.count / type.byteCount / columns),\(columns)]"
        let header =
            #"{"pad":{"dtype":"U8","shape":[\#(offset)],"data_offsets":[0,\#(offset)]},"#
            + #""x":{"dtype":"\#(type.rawValue)","shape":\#(shape),"data_offsets":[\#(offset),\#(offset + bytes.count)]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let data = [UInt8](repeating: 0xaa, count: offset) + bytes
        let tensor = try TensorFixture.file(TensorFixture.safetensors(padded, data: data), as: "a.safetensors").tensor(
            "x")
        #expect(UInt(bitPattern: tensor.bytes.baseAddress) % 8 == UInt(offset))
        return tensor
    }

    /// What a binary floating-point number with these fields means, by the definition; NaN apart, all are exact.
    private static func value(of bits: UInt16, exponentBits: Int) -> Float {
        let fractionBits = 15 - exponentBits
        let sign: Double = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> fractionBits) & (1 << exponentBits - 1)
        let fraction = Double(bits & (1 << fractionBits - 1)) / Double(1 << fractionBits)
        let bias = 1 << (exponentBits - 1) - 1
        if exponent == 1 << exponentBits - 1 { return fraction == 0 ? Float(sign) * .infinity : .nan }
        let significand = exponent == 0 ? fraction : 1 + fraction
        return Float(sign * Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: significand))
    }

    @Test(arguments: [(DataType.float16, 5), (.bfloat16, 8)], [0, 1, 2]) func everyHalfIsExact(
        format: (type: DataType, exponentBits: Int), offset: Int
    ) throws {
        let all = (0...UInt16.max).map { $0 }
        let bytes = TensorFixture.bytes(of: all)
        let tensor = try Self.tensor(format.type, columns: 256, bytes: bytes, offset: offset)
        let whole = try tensor.floatArray()
        var rows = [Float](repeating: 0, count: 65536)
        for row in 0..<256 {
            rows.withUnsafeMutableBufferPointer { tensor.floats(row: row, into: $0.baseAddress! + row * 256) }
        }
        var wrong: [UInt16] = []
        for (bits, got) in zip(all, whole) {
            let expected = Self.value(of: bits, exponentBits: format.exponentBits)
            if expected.isNaN ? !got.isNaN : got.bitPattern != expected.bitPattern { wrong.append(bits) }
        }
        #expect(wrong.isEmpty)
        #expect(rows.map(\.bitPattern) == whole.map(\.bitPattern))
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7]) func float32IsCopiedAndFloat64Rounded(offset: Int) throws {
        let single: [Float] = [1, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, 3]
        let double: [Double] = [1, -0.0, 1e300, 1e-300, -.infinity, 1.0 / 3]
        let a = try Self.tensor(.float32, columns: 2, bytes: TensorFixture.bytes(of: single), offset: offset)
        #expect(try a.floatArray().map(\.bitPattern) == single.map(\.bitPattern))
        let b = try Self.tensor(.float64, columns: 2, bytes: TensorFixture.bytes(of: double), offset: offset)
        #expect(try b.floatArray().map(\.bitPattern) == double.map { Float($0).bitPattern })
    }

    @Test func rowsAreCutOutOfTheWhole() throws {
        let values = (0..<12).map(Float.init)
        let tensor = try Self.tensor(.float32, columns: 3, bytes: TensorFixture.bytes(of: values), offset: 3)
        var rows = [Float](repeating: -1, count: 7)
        tensor.floats(rows: 1..<3, into: &rows)
        #expect(rows == [3, 4, 5, 6, 7, 8, -1])
        tensor.floats(rows: 4..<4, into: &rows)
        #expect(rows[0] == 3)
    }

    @Test(arguments: [0, 1, 5]) func integersOfEveryWidth(offset: Int) throws {
        func check<Value: FixedWidthInteger & BitwiseCopyable>(_ type: DataType, _ values: [Value]) throws {
            let tensor = try Self.tensor(type, columns: 1, bytes: TensorFixture.bytes(of: values), offset: offset)
            #expect(try tensor.integers() == values.map { Int($0) })
        }
        try check(.int8, [Int8.min, -1, 0, Int8.max])
        try check(.int16, [Int16.min, -1, 0, Int16.max])
        try check(.int32, [Int32.min, -1, 0, Int32.max])
        try check(.int64, [Int64.min, -1, 0, Int64.max])
        try check(.uint8, [0, UInt8.max])
        try check(.uint16, [0, UInt16.max])
        try check(.uint32, [0, UInt32.max])
        try check(.uint64, [0, UInt64(Int.max)])
    }

    @Test func whatDoesNotFitIsToldWithItsPlace() throws {
        let bytes = TensorFixture.bytes(of: [1, UInt64(Int.max) + 1])
        let tensor = try Self.tensor(.uint64, columns: 1, bytes: bytes)
        TensorFixture.expectInvalid("9223372036854775808 at position 1", naming: "`a.safetensors#x`") {
            try tensor.integers()
        }
    }

    @Test func theWrongKindOfNumberIsTold() throws {
        for type in DataType.allCases {
            let tensor = try Self.tensor(type, columns: 1, bytes: [UInt8](repeating: 0, count: type.byteCount))
            if !type.isInteger {
                TensorFixture.expectInvalid("where integers", naming: "`a.safetensors#x` holds \(type.rawValue)") {
                    try tensor.integers()
                }
            }
            if !type.isFloatingPoint {
                TensorFixture.expectInvalid("where floating-point", naming: "`a.safetensors#x` holds \(type.rawValue)")
                {
                    try tensor.floatArray()
                }
            }
        }
    }

    @Test func theDigestIsXXH3OfTheBytes() throws {
        // By the reference implementation (python-xxhash 3).
        let empty = try Self.tensor(.uint8, columns: 1, bytes: [])
        #expect(empty.digest() == 0x2d06_8005_38d3_94c2)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        for offset in [0, 3] {
            let tensor = try Self.tensor(.uint8, columns: 1, bytes: bytes, offset: offset)
            #expect(tensor.digest() == 0xd33d_d80b_46f6_0e50)
        }
    }
}
