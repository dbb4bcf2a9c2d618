import Common

/// The header of a .npy file: a Python dictionary such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (100, 64), }`.
///
/// What NumPy and other writers put there for plain arrays is understood, no other Python: types by any of their names
/// (`<f4`, `f4`, `float32`, `f`), and the long integers of Python 2 (`113L`). What we cannot use (big-endian numbers,
/// structured types, pickled objects) is refused with the call that mends it.
struct NumpyHeader {
    var dataType: DataType
    var shape: [Int]
    /// Whether the elements follow each other column by column (Fortran order), where that differs from row by row: with at
    /// most one dimension larger than 1 both are the same bytes.
    var isColumnMajor: Bool

    /// - Throws: `invalidInput`, without the name of the file.
    init(parsing bytes: UnsafeRawBufferPointer) throws {
        var cursor = ByteCursor(bytes)
        var descr: String?
        var fortranOrder: Bool?
        var shape: [Int]?
        try Self.dictionary(&cursor) { cursor, key in
            let isRepeated: Bool
            switch key {
            case "descr": (isRepeated, descr) = (descr != nil, try Self.descr(&cursor))
            case "fortran_order": (isRepeated, fortranOrder) = (fortranOrder != nil, try Self.boolean(&cursor))
            case "shape": (isRepeated, shape) = (shape != nil, try Self.tuple(&cursor))
            default: throw cursor.error("an unknown key \(key.quoted)")
            }
            guard !isRepeated else { throw cursor.error("the key \(key.quoted) occurs twice") }
        }
        guard let descr, let fortranOrder, let shape else {
            throw SelMixError(.invalidInput, "the header lacks one of `descr`, `fortran_order` and `shape`")
        }
        dataType = try Self.dataType(descr)
        self.shape = shape
        isColumnMajor = fortranOrder && shape.count { $0 != 1 } > 1
    }

    private static func dataType(_ descr: String) throws -> DataType {
        let first = descr.first ?? " "
        let name = "<>=|".contains(first) ? String(descr.dropFirst()) : descr
        let type = names.first { $0.value.contains(name) }?.key
        // Numbers of one byte have no order of bytes.
        if first == ">", type?.byteCount != 1 {
            throw SelMixError(
                .invalidInput, "the array is big-endian (\(descr.quoted))",
                hint: "store it as little-endian: numpy.save(file, numpy.ascontiguousarray(array, "
                    + "array.dtype.newbyteorder(\"<\")))")
        }
        // `=` and no sign at all mean the order of the machine that reads: little-endian, wherever this program runs.
        if let type { return type }
        throw SelMixError(
            .invalidInput, "numbers of the type \(descr.quoted) are not supported",
            hint: "convert the array to float32, float16 or float64, an integer type, or bool; bfloat16 needs a "
                + ".safetensors file")
    }

    /// What numpy.dtype takes for each type, the order of bytes aside; `l` and `int` are 64 bits wide on this system.
    private static let names: KeyValuePairs<DataType, Set<String>> = [
        .float16: ["f2", "float16", "half", "e"],
        .float32: ["f4", "float32", "single", "f"],
        .float64: ["f8", "float64", "double", "float", "d"],
        .int8: ["i1", "int8", "byte", "b"],
        .int16: ["i2", "int16", "short", "h"],
        .int32: ["i4", "int32", "intc", "i"],
        .int64: ["i8", "int64", "int", "int_", "intp", "long", "longlong", "l", "q"],
        .uint8: ["u1", "uint8", "ubyte", "B"],
        .uint16: ["u2", "uint16", "ushort", "H"],
        .uint32: ["u4", "uint32", "uintc", "I"],
        .uint64: ["u8", "uint64", "uint", "uintp", "ulong", "ulonglong", "L", "Q"],
        .bool: ["b1", "bool", "bool_", "?"],
    ]

    private static func dictionary(
        _ cursor: inout ByteCursor, _ member: (inout ByteCursor, String) throws -> Void
    ) throws {
        cursor.skipSpace()
        guard cursor.take("{") else { throw cursor.unexpected(instead: "a dictionary") }
        cursor.skipSpace()
        while !cursor.take("}") {
            let key = try string(&cursor)
            cursor.skipSpace()
            guard cursor.take(":") else { throw cursor.unexpected(instead: "`:`") }
            cursor.skipSpace()
            try member(&cursor, key)
            cursor.skipSpace()
            // A comma may follow the last one.
            guard cursor.take(",") || cursor.next == UInt8(ascii: "}") else {
                throw cursor.unexpected(instead: "`,` or `}`")
            }
            cursor.skipSpace()
        }
        cursor.skipSpace()
        guard cursor.next == nil else { throw cursor.unexpected(instead: "the end") }
    }

    private static func descr(_ cursor: inout ByteCursor) throws -> String {
        guard cursor.next != UInt8(ascii: "[") else {
            throw SelMixError(
                .invalidInput, "the array has named fields (a structured type)",
                hint: "save each field as an array of its own")
        }
        return try string(&cursor)
    }

    private static func string(_ cursor: inout ByteCursor) throws -> String {
        // Python 2 marks text with a `u`.
        _ = cursor.take("u")
        let quote = cursor.next
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw cursor.unexpected(instead: "a string")
        }
        _ = cursor.take()
        let text = cursor.run { $0 != quote && $0 != UInt8(ascii: "\\") && (0x20...0x7e).contains($0) }
        let characters = String(decoding: text, as: UTF8.self)
        guard cursor.next == quote else { throw cursor.unexpected(instead: "the end of a string") }
        _ = cursor.take()
        return characters
    }

    private static func boolean(_ cursor: inout ByteCursor) throws -> Bool {
        if cursor.take(word: "True") { return true }
        if cursor.take(word: "False") { return false }
        throw cursor.unexpected(instead: "True or False")
    }

    /// `()`, `(3,)`, `(3, 4)`: like Python, with a comma when there is one number only.
    private static func tuple(_ cursor: inout ByteCursor) throws -> [Int] {
        guard cursor.take("(") else { throw cursor.unexpected(instead: "a tuple") }
        var values: [Int] = []
        cursor.skipSpace()
        while !cursor.take(")") {
            guard values.count < SafetensorsDecoder.maximumDimensions else {
                throw cursor.error("more than \(SafetensorsDecoder.maximumDimensions) dimensions")
            }
            guard !cursor.take(word: "np.int") && !cursor.take(word: "numpy.int") else {
                throw SelMixError(
                    .invalidInput,
                    "the shape holds NumPy's own integers in place of plain ones, which numpy.load refuses too",
                    hint: "give numpy.lib.format.open_memmap a shape of plain integers, "
                        + "tuple(int(n) for n in shape), and write the array again")
            }
            values.append(try cursor.integer())
            // The long integers of Python 2.
            _ = cursor.take("L")
            cursor.skipSpace()
            guard cursor.take(",") || (values.count > 1 && cursor.next == UInt8(ascii: ")")) else {
                throw cursor.unexpected(instead: "`,`")
            }
            cursor.skipSpace()
        }
        return values
    }
}
