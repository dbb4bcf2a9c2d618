/// The framing of an event file: records of a length (8 bytes, little-endian), the masked CRC of those bytes, the content,
/// and the content's masked CRC.
enum EventRecord {
    static func framed(_ content: [UInt8]) -> [UInt8] {
        let length = bytes(UInt64(content.count))
        return length + bytes(CRC32C.masked(length)) + content + bytes(CRC32C.masked(content))
    }

    /// The contents of all whole records from the start, up to the first one that is torn or altered.
    static func contents(of file: [UInt8]) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        var rest = file[...]
        while rest.count >= 16 {
            let header = rest.prefix(8)
            let length: UInt64 = value(header)
            guard value(rest.dropFirst(8).prefix(4)) == CRC32C.masked(header), length <= UInt64(rest.count - 16) else {
                break
            }
            let content = rest.dropFirst(12).prefix(Int(length))
            rest = rest.dropFirst(12 + Int(length))
            guard value(rest.prefix(4)) == CRC32C.masked(content) else { break }
            rest = rest.dropFirst(4)
            found.append(content)
        }
        return found
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    private static func value<Value: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Value {
        bytes.reversed().reduce(0) { $0 << 8 | Value($1) }
    }
}
