import Common

/// Reads the JSON of a safetensors header, member by member.
///
/// Not Foundation's parser, because the format asks for more than JSON does: no name may occur twice (two parsers could
/// disagree about which entry counts, and Foundation drops one silently), and numbers are exact integers. Callers say what
/// they expect next, so there is no tree of values, and no depth that a hostile header could exhaust.
struct HeaderJSON {
    private var cursor: ByteCursor

    init(_ bytes: UnsafeRawBufferPointer) { cursor = ByteCursor(bytes) }

    /// An object; `member` reads the value of each name. No name may occur twice.
    mutating func object(_ member: (inout HeaderJSON, String) throws -> Void) throws {
        // Swift compares strings by what they mean: two spellings of one accented letter count as the same name.
        var names: Set<String> = []
        try list(from: "{", to: "}", holding: "an object") { json in
            let name = try json.string()
            guard names.insert(name).inserted else { throw json.cursor.error("the name \(name.quoted) occurs twice") }
            json.cursor.skipSpace()
            guard json.cursor.take(":") else { throw json.cursor.unexpected(instead: "`:`") }
            try member(&json, name)
        }
    }

    /// An array of integers that are not negative.
    ///
    /// - Parameter limit: how many there may be at most.
    mutating func integers(atMost limit: Int) throws -> [Int] {
        var values: [Int] = []
        try list(from: "[", to: "]", holding: "an array") { json in
            guard values.count < limit else { throw json.cursor.error("more than \(limit) numbers in an array") }
            json.cursor.skipSpace()
            values.append(try json.cursor.integer())
        }
        return values
    }

    /// Takes a `null` if it comes next.
    mutating func takeNull() -> Bool {
        cursor.skipSpace()
        return cursor.take(word: "null")
    }

    mutating func string() throws -> String {
        cursor.skipSpace()
        guard cursor.take("\"") else { throw cursor.unexpected(instead: "a string") }
        var text = ""
        while true {
            let plain = cursor.run { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }
            guard let part = String(validating: plain, as: UTF8.self) else {
                throw cursor.error("a string that is not UTF-8")
            }
            text += part
            if cursor.take("\"") { return text }
            guard cursor.take("\\") else { throw cursor.unexpected(instead: "the end of a string") }
            text.unicodeScalars.append(try escape())
        }
    }

    /// Checks that nothing but padding follows.
    mutating func end() throws {
        cursor.skipSpace()
        guard cursor.next == nil else { throw cursor.unexpected(instead: "the end") }
    }

    private mutating func list(
        from open: Unicode.Scalar, to close: Unicode.Scalar, holding expected: String,
        _ element: (inout HeaderJSON) throws -> Void
    ) throws {
        cursor.skipSpace()
        guard cursor.take(open) else { throw cursor.unexpected(instead: expected) }
        cursor.skipSpace()
        if cursor.take(close) { return }
        while true {
            try element(&self)
            cursor.skipSpace()
            if cursor.take(close) { return }
            guard cursor.take(",") else { throw cursor.unexpected(instead: "`,` or `\(close)`") }
        }
    }

    /// What follows a backslash.
    private mutating func escape() throws -> Unicode.Scalar {
        switch cursor.take().map({ Unicode.Scalar($0) }) {
        case "\"": return "\""
        case "\\": return "\\"
        case "/": return "/"
        case "b": return "\u{8}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u": return try unicodeEscape()
        default: throw cursor.error("an unknown escape in a string")
        }
    }

    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // A code point above 0xffff comes as two surrogates, each an escape of its own.
        guard (0xd800..<0xdc00).contains(first), cursor.take("\\"), cursor.take("u") else {
            throw cursor.error("half a surrogate pair in a string")
        }
        let second = try hexadecimal()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + UInt32(second) - 0xdc00)
        else { throw cursor.error("half a surrogate pair in a string") }
        return scalar
    }

    private mutating func hexadecimal() throws -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = cursor.take(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw cursor.error("a broken \\u escape in a string")
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }
}
