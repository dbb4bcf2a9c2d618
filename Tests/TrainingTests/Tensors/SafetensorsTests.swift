import Common
import Testing
import Training

/// What a safetensors file says is what comes out of it, and what we write is what the format asks for.
@Suite struct SafetensorsTests {
    @Test(arguments: DataType.allCases) func everyTypeComesBackAsWritten(type: DataType) throws {
        let bytes = (0..<6 * type.byteCount).map { UInt8(truncatingIfNeeded: $0 * 37 + 1) }
        let written = try SafetensorsWriter.encode(
            [TensorContent(name: "x", dataType: type, shape: [2, 3], bytes: bytes)], metadata: ["type": type.rawValue])
        let file = try TensorFixture.file(written, as: "a.safetensors")
        let tensor = try file.tensor("x")
        #expect(tensor.name == "x")
        #expect(tensor.dataType == type)
        #expect(tensor.shape == [2, 3])
        #expect(tensor.elementCount == 6)
        #expect(tensor.rowElements == 3)
        #expect(Array(tensor.bytes) == bytes)
        #expect(tensor.source == "a.safetensors#x")
        #expect(file.metadata == ["type": type.rawValue])
    }

    /// Tensors of types that nothing here computes with take their place in the file, and only their use is an error.
    @Test(arguments: [
        ("F8_E4M3", "[8]", 8), ("F8_E5M2", "[2,4]", 8), ("F8_E8M0", "[8]", 8), ("C64", "[2]", 16), ("F4", "[8]", 4),
        ("F4", "[3,3]", 5), ("F6_E2M3", "[8]", 6), ("F6_E3M2", "[3]", 3), ("F4", "[0]", 0), ("LATER_TYPE", "[7]", 12),
    ])
    func tensorsOfOtherTypesAreLeftAlone(type: String, shape: String, size: Int) throws {
        let header = """
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
            "scale":{"dtype":"\(type)","shape":\(shape),"data_offsets":[4,\(4 + size)]},\
            "z":{"dtype":"U8","shape":[2],"data_offsets":[\(4 + size),\(6 + size)]}}
            """
        let data = TensorFixture.bytes(of: [Float(3)]) + [UInt8](repeating: 9, count: size) + [5, 6]
        let file = try TensorFixture.file(TensorFixture.safetensors(header, data: data), as: "a.safetensors")
        #expect(file.names == ["a", "z"])
        #expect(try file.tensor("a").floatArray() == [3])
        #expect(try file.tensor("z").integers() == [5, 6])
        TensorFixture.expectInvalid(
            "holds `scale` as `\(type)`", hint: "float32, float16 or bfloat16", naming: "`a.safetensors`"
        ) { try file.tensor("scale") }
    }

    @Test func metadataMayBeNull() throws {
        let header = #"{"__metadata__": null, "x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
        let file = try TensorFixture.file(TensorFixture.safetensors(header, data: [7]), as: "a.safetensors")
        #expect(try file.tensor(nil).integers() == [7])
        #expect(file.metadata.isEmpty)
    }

    @Test func theBytesAreThoseOfTheFormat() throws {
        let written = try SafetensorsWriter.encode([
            TensorContent(name: "labels", shape: [3], values: [1, 2, 3] as [UInt8]),
            TensorContent(name: "w", shape: [1, 2], values: [1, -2] as [Float]),
        ])
        let header =
            #"{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"#
            + #""labels":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let data: [UInt8] = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 1, 2, 3]
        #expect(written == TensorFixture.safetensors(padded, data: data))
    }

    @Test func theOrderOfTheTensorsDoesNotMatterAndAllAreAligned() throws {
        let tensors = DataType.allCases.map { type in
            TensorContent(
                name: type.rawValue.lowercased(), dataType: type, shape: [3],
                bytes: [UInt8](repeating: 1, count: 3 * type.byteCount))
        }
        let metadata = ["b": "2", "a": "1"]
        let written = try SafetensorsWriter.encode(tensors, metadata: metadata)
        #expect(try SafetensorsWriter.encode(tensors.reversed(), metadata: metadata) == written)
        for tensor in try TensorFixture.file(written, as: "a.safetensors").tensors {
            #expect(UInt(bitPattern: tensor.bytes.baseAddress) % UInt(tensor.dataType.byteCount) == 0)
        }
    }

    @Test func aTensorThatIsMadeWhileItIsWrittenHasTheSameBytes() throws {
        let values = (0..<1000).map(Float.init)
        let whole = try SafetensorsWriter.encode([TensorContent(name: "x", shape: [10, 100], values: values)])
        let streamed = TensorContent(name: "x", dataType: .float32, shape: [10, 100]) { write in
            for start in stride(from: 0, to: 1000, by: 300) {
                try Array(values[start..<min(1000, start + 300)]).withUnsafeBytes { try write($0) }
            }
        }
        #expect(try SafetensorsWriter.encode([streamed]) == whole)
    }

    @Test func namesAndMetadataMayHoldAnything() throws {
        let odd = "a\"b\\c/d\n\t\u{1}\u{7f}é漢😀#"
        let written = try SafetensorsWriter.encode(
            [TensorContent(name: odd, shape: [], values: [7] as [Int])], metadata: [odd: odd])
        let file = try TensorFixture.file(written, as: "a.safetensors")
        #expect(file.names == [odd])
        #expect(file.metadata == [odd: odd])
        #expect(try file.tensor(odd).integers() == [7])
    }

    @Test func escapesOfOtherWritersAreUnderstood() throws {
        let header =
            #" {"\u0041\u00e9\ud83d\ude00\b\f\r\/" : { "shape":[ ], "data_offsets":[0 ,1],"dtype":"\u00558"}}  "#
        let file = try TensorFixture.file(TensorFixture.safetensors(header, data: [9]), as: "a.safetensors")
        #expect(file.names == ["Aé😀\u{8}\u{c}\r/"])
        #expect(try file.tensor(nil).integers() == [9])
    }

    @Test func emptyTensorsAndEmptyFilesAreFine() throws {
        let written = try SafetensorsWriter.encode([
            TensorContent(name: "none", shape: [0, 4], values: [] as [Float]),
            TensorContent(name: "zero", shape: [4, 0], values: [] as [Int32]),
            TensorContent(name: "one", shape: [1], values: [true]),
        ])
        let file = try TensorFixture.file(written, as: "a.safetensors")
        #expect(try file.tensor("none").floatArray() == [])
        #expect(try file.tensor("none").rowElements == 4)
        #expect(try file.tensor("zero").integers() == [])
        #expect(try file.tensor("none").digest() == file.tensor("zero").digest())
        #expect(try TensorFixture.file(SafetensorsWriter.encode([]), as: "b.safetensors").names == [])
    }

    @Test func tensorsMayLieInAnyOrder() throws {
        let header =
            #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},"empty":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"#
            + #""a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#
        let file = try TensorFixture.file(TensorFixture.safetensors(header, data: [1, 2, 3]), as: "a.safetensors")
        #expect(file.names == ["a", "empty", "b"])
        #expect(try file.tensor("b").integers() == [3])
    }

    @Test func namesThatNoFileCanHoldAreRefused() {
        let tensor = TensorContent(name: "x", shape: [], values: [1])
        #expect(throws: SelMixError.self) { try SafetensorsWriter.encode([tensor, tensor]) }
        let reserved = TensorContent(name: "__metadata__", shape: [], values: [1])
        #expect(throws: SelMixError.self) { try SafetensorsWriter.encode([reserved]) }
    }
}
