import Common

/// The header of a .npy file: a Python dictionary such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (100, 64), }`.
///
/// Only what NumPy itself writes for plain arrays is understood, no other Python; what we cannot use (big-endian numbers,
/// column-major order, structured types, pickled objects) is refused with the call that mends it.
struct NumpyHeader {
    var dataType: DataType
    var shape: [Int]

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
        guard !fortranOrder else {
            throw SelMixError(
                .invalidInput, "the array is stored column by column (Fortran order)",
                hint: "store it by rows: numpy.save(file, numpy.ascontiguousarray(array))")
        }
    }

    private static func dataType(_ descr: String) throws -> DataType {
        switch descr {
        case "<f2": return .float16
        case "<f4": return .float32
        case "<f8": return .float64
        case "<i1", "|i1": return .int8
        case "<i2": return .int16
        case "<i4": return .int32
        case "<i8": return .int64
        case "<u1", "|u1": return .uint8
        case "<u2": return .uint16
        case "<u4": return .uint32
        case "<u8": return .uint64
        case "|b1": return .bool
        default: break
        }
        if descr.hasPrefix(">") {
            throw SelMixError(
                .invalidInput, "the array is big-endian (\(descr.quoted))",
                hint: "store it as little-endian: numpy.save(file, numpy.ascontiguousarray(array, "
                    + "array.dtype.newbyteorder(\"<\")))")
        }
        throw SelMixError(
            .invalidInput, "numbers of the type \(descr.quoted) are not supported",
            hint: "convert the array to float32, float16 or float64, an integer type, or bool; bfloat16 needs a "
                + ".safetensors file")
    }

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
            values.append(try cursor.integer())
            cursor.skipSpace()
            guard cursor.take(",") || (values.count > 1 && cursor.next == UInt8(ascii: ")")) else {
                throw cursor.unexpected(instead: "`,`")
            }
            cursor.skipSpace()
        }
        return values
    }
}
