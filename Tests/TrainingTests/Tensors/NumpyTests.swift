import Testing
import Training

/// NumPy's files: what it writes is read, and what we cannot use is told with the call that mends it.
@Suite struct NumpyTests {
    /// numpy.save of numpy.array([[1, 2, 3], [4, 5, 6]], "float32") by NumPy 2.4, byte by byte.
    @Test func readsWhatNumPyWrites() throws {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
        let padded = header + String(repeating: " ", count: 0x76 - header.utf8.count - 1) + "\n"
        let bytes: [UInt8] =
            [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0x76, 0] + padded.utf8
            + TensorFixture.bytes(of: [1, 2, 3, 4, 5, 6] as [Float])
        #expect(bytes.count == 128 + 24)
        let file = try TensorFixture.file(bytes, as: "some/features.npy")
        let tensor = try file.tensor(nil)
        #expect(tensor.shape == [2, 3])
        #expect(tensor.name == "features")
        #expect(tensor.source == "some/features.npy")
        #expect(try tensor.floatArray() == [1, 2, 3, 4, 5, 6])
        #expect(file.names == [])
        #expect(file.tensors.count == 1)
    }

    @Test(arguments: [1, 2, 3] as [UInt8]) func readsAllVersions(major: UInt8) throws {
        let bytes = TensorFixture.npy(
            "{'shape':(3,),\"descr\":'<i8','fortran_order':False}", version: (major, 0),
            data: TensorFixture.bytes(of: [5, -6, 7]))
        #expect(try TensorFixture.file(bytes, as: "labels.npy").tensor(nil).integers() == [5, -6, 7])
    }

    @Test(arguments: [
        ("<f2", DataType.float16), ("<f4", .float32), ("<f8", .float64), ("|i1", .int8), ("<i1", .int8),
        ("<i2", .int16),
        ("<i4", .int32), ("<i8", .int64), ("|u1", .uint8), ("<u1", .uint8), ("<u2", .uint16), ("<u4", .uint32),
        ("<u8", .uint64), ("|b1", .bool),
    ])
    func readsAllTypes(descr: String, type: DataType) throws {
        let data = (0..<2 * type.byteCount).map { UInt8($0) }
        let tensor = try TensorFixture.file(
            TensorFixture.npy(descr: descr, shape: "(2, 1)", data: data), as: "a.npy"
        ).tensor(nil)
        #expect(tensor.dataType == type)
        #expect(tensor.shape == [2, 1])
        #expect(Array(tensor.bytes) == data)
    }

    /// All that numpy.dtype takes for a type of this machine's order; and single bytes have no order.
    @Test(arguments: [
        ("i8", DataType.int64), ("=i8", .int64), ("int64", .int64), ("int", .int64), ("q", .int64), ("f4", .float32),
        ("float32", .float32), ("=f8", .float64), ("double", .float64), ("half", .float16), ("uint8", .uint8),
        (">u1", .uint8), (">i1", .int8), ("=u2", .uint16), ("?", .bool), ("bool", .bool),
    ])
    func readsTypesByTheirOtherNames(descr: String, type: DataType) throws {
        let data = (0..<2 * type.byteCount).map { UInt8($0) }
        let tensor = try TensorFixture.file(TensorFixture.npy(descr: descr, shape: "(2,)", data: data), as: "a.npy")
            .tensor(nil)
        #expect(tensor.dataType == type && Array(tensor.bytes) == data)
    }

    /// Python 2 wrote long integers, and `u` before text.
    @Test func readsWhatPython2Wrote() throws {
        let bytes = TensorFixture.npy(
            "{'descr': u'<i8', u'fortran_order': False, 'shape': (1L, 3L), }", data: TensorFixture.bytes(of: [5, 6, 7]))
        let tensor = try TensorFixture.file(bytes, as: "a.npy").tensor(nil)
        #expect(tensor.shape == [1, 3])
        #expect(try tensor.integers() == [5, 6, 7])
    }

    /// With one dimension that is not 1, by columns and by rows are the same bytes: Julia and MATLAB write it so.
    @Test(arguments: ["(3,)", "(3, 1)", "(1, 3)", "()", "(1, 3, 1)"])
    func columnsThatAreRowsAreRead(shape: String) throws {
        let data: [Float] = shape == "()" ? [7] : [7, 8, 9]
        let bytes = TensorFixture.npy(
            "{'descr': '<f4', 'fortran_order': True, 'shape': \(shape), }", data: TensorFixture.bytes(of: data))
        #expect(try TensorFixture.file(bytes, as: "a.npy").tensor(nil).floatArray() == data)
    }

    @Test(arguments: ["<f4", "<f8", "<f2", "|i1"])
    func aMatrixOfColumnsIsTurnedAround(descr: String) throws {
        func bytes(_ values: [Int]) -> [UInt8] {
            switch descr {
            case "<f4": TensorFixture.bytes(of: values.map { Float($0) })
            case "<f8": TensorFixture.bytes(of: values.map { Double($0) })
            case "<f2": TensorFixture.bytes(of: values.map { Float16($0) })
            default: TensorFixture.bytes(of: values.map { Int8($0) })
            }
        }
        let file = TensorFixture.npy(
            "{'descr': '\(descr)', 'fortran_order': True, 'shape': (2, 3), }", data: bytes([1, 4, 2, 5, 3, 6]))
        let tensor = try TensorFixture.file(file, as: "a.npy").tensor(nil)
        #expect(tensor.shape == [2, 3] && Array(tensor.bytes) == bytes([1, 2, 3, 4, 5, 6]))
    }

    @Test func readsScalarsAndEmptyArrays() throws {
        let scalar = TensorFixture.npy(descr: "|u1", shape: "()", data: [3])
        #expect(try TensorFixture.file(scalar, as: "a.npy").tensor(nil).integers() == [3])
        let empty = TensorFixture.npy(descr: "<f8", shape: "(0, 5)")
        #expect(try TensorFixture.file(empty, as: "a.npy").tensor(nil).floatArray() == [])
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var told: String
        var bytes: [UInt8]
        var hint: String?
        var testDescription: String { told }

        init(_ told: String, _ bytes: [UInt8], hint: String? = nil) {
            (self.told, self.bytes, self.hint) = (told, bytes, hint)
        }

        init(_ told: String, header: String) { self.init(told, TensorFixture.npy(header)) }
    }

    @Test(arguments: framing + headers + unusable) func isRefused(_ example: Case) {
        TensorFixture.expectInvalid(example.told, hint: example.hint, naming: "`data/bad.npy`") {
            try TensorFixture.file(example.bytes, as: "data/bad.npy")
        }
    }

    static let framing = [
        Case("it is not a NumPy file", []),
        Case("it is not a NumPy file", TensorFixture.safetensors("x{}"), hint: "numpy.save"),
        Case("6 bytes are too few", Array(TensorFixture.npy("").prefix(6))),
        Case("10 bytes are too few", TensorFixture.npy("")),
        Case("version 4.0", TensorFixture.npy("{}", version: (4, 0)), hint: "3.0"),
        Case("version 1.1", TensorFixture.npy("{}", version: (1, 1))),
        Case("a header of 255 bytes, but only 2", [0x93] + "NUMPY".utf8 + [1, 0, 255, 0] + "{}".utf8),
        Case("more than the 65536", [0x93] + "NUMPY".utf8 + [2, 0, 255, 255, 255, 255] + "{}".utf8),
        Case("takes 8 bytes, but 7 follow", npy("<f4", "(2,)", count: 7), hint: "cut short"),
        Case("1 bytes follow the array", npy("<f4", "(2,)", count: 9), hint: "one array per file"),
        Case("a shape too large", npy("<f4", "(4611686018427387904, 4)", count: 0)),
    ]

    static let headers = [
        Case("instead of a dictionary", header: "[]  "),
        Case("lacks one of", header: "{}  "),
        Case("lacks one of", header: "{'descr': '<f4', 'shape': (1,)}"),
        Case("an unknown key `order`", header: "{'order': 1}"),
        Case("the key `shape` occurs twice", header: "{'shape': (1,), 'shape': (1,)}"),
        Case("instead of `:`", header: "{'shape' (1,)}"),
        Case("instead of `,` or `}`", header: "{'shape': (1,) 'descr': '<f4'}"),
        Case("instead of a string", header: "{shape: (1,)}"),
        Case("the end of a string", header: "{'shape"),
        Case("the end of a string", header: "{'sha\\x70e': (1,)}"),
        Case("instead of True or False", header: "{'fortran_order': 0}"),
        Case("instead of a tuple", header: "{'shape': [1]}"),
        Case("instead of `,`", header: "{'shape': (1)}"),
        Case("instead of `,`", header: "{'shape': (1 2)}"),
        Case("instead of a number", header: "{'shape': (,)}"),
        Case("a number is negative", header: "{'shape': (-1,)}"),
        Case("a number is too large", header: "{'shape': (99999999999999999999,)}"),
        Case("more than 64 dimensions", header: "{'shape': (\(String(repeating: "1, ", count: 65)))}"),
        Case("instead of the end", header: "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"),
    ]

    static let unusable = [
        Case("big-endian", npy(">f4", "(1,)", count: 4), hint: "numpy.ascontiguousarray"),
        Case("`|O` are not supported", npy("|O", "(1,)", count: 4)),
        Case("`<c8` are not supported", npy("<c8", "(1,)", count: 8), hint: "bfloat16 needs a .safetensors file"),
        Case("`<U4` are not supported", npy("<U4", "(1,)", count: 16)),
        Case(
            "Fortran order",
            TensorFixture.npy(
                "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 2)}", data: [UInt8](repeating: 0, count: 32)),
            hint: "numpy.ascontiguousarray"),
        Case("big-endian (`>i8`)", npy(">i8", "(1,)", count: 8), hint: "newbyteorder"),
        Case(
            "NumPy's own integers", npy("<f4", "(np.int64(1), np.int64(2))", count: 8),
            hint: "tuple(int(n) for n in shape)"),
        Case(
            "named fields",
            TensorFixture.npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", data: [0, 0, 0, 0])),
    ]

    private static func npy(_ descr: String, _ shape: String, count: Int) -> [UInt8] {
        TensorFixture.npy(descr: descr, shape: shape, data: [UInt8](repeating: 0, count: count))
    }
}
