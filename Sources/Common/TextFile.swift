/// Text files as people's editors save them: with a byte order mark or without, lines ended by LF, CR LF or CR.
///
/// Every file that people write by hand is read through this. Swift takes CR LF for one character that is no `"\n"`, so a
/// file that was split at `"\n"` would have a single line once somebody has saved it on Windows.
public enum TextFile {
    /// The text of a file's bytes, without the byte order mark: UTF-8, or UTF-16 where a mark says so.
    ///
    /// - Returns: nil for what is no such text.
    public static func text(of bytes: some Collection<UInt8>) -> String? {
        switch Array(bytes.prefix(2)) {
        case [0xff, 0xfe]: wide(bytes.dropFirst(2)) { $0 | $1 << 8 }
        case [0xfe, 0xff]: wide(bytes.dropFirst(2)) { $0 << 8 | $1 }
        default: String(validating: bytes, as: UTF8.self).map(withoutMark)
        }
    }

    /// All lines, the empty ones too, so that their positions are the numbers that editors show.
    public static func lines(of text: String) -> [Substring] {
        withoutMark(text).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }

    /// The text without a byte order mark at its start.
    public static func withoutMark(_ text: String) -> String {
        text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
    }

    private static func wide(
        _ bytes: some Collection<UInt8>, _ join: (_ first: UInt16, _ second: UInt16) -> UInt16
    ) -> String? {
        let bytes = Array(bytes)
        guard bytes.count.isMultiple(of: 2) else { return nil }
        let units = stride(from: 0, to: bytes.count, by: 2).map { join(UInt16(bytes[$0]), UInt16(bytes[$0 + 1])) }
        return String(validating: units, as: UTF16.self)
    }
}
