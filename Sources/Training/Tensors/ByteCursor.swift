import Common

/// Walks over the text of a file header byte by byte; what the parsers of both formats are built on.
///
/// It never reads past the end and never allocates more than it has read, so that a hostile header costs no more than its
/// own length. It does not own the bytes: whoever makes one keeps them alive.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The byte to be read next; nil at the end.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Takes one byte.
    mutating func take() -> UInt8? {
        guard let byte = next else { return nil }
        position += 1
        return byte
    }

    /// Takes `character` if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Takes a word if it comes next.
    mutating func take(word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard bytes.count - position >= length else { return false }
        for offset in 0..<length where bytes[position + offset] != word.utf8Start[offset] { return false }
        position += length
        return true
    }

    mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
    }

    /// Skips what `belongs`, and returns it.
    mutating func run(while belongs: (UInt8) -> Bool) -> UnsafeRawBufferPointer {
        let start = position
        while let byte = next, belongs(byte) { position += 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    /// Takes a decimal integer without sign, fraction, exponent or leading zeros.
    mutating func integer() throws -> Int {
        if next == UInt8(ascii: "-") { throw error("a number is negative") }
        let digits = run { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let first = digits.first else { throw unexpected(instead: "a number") }
        guard first != UInt8(ascii: "0") || digits.count == 1 else { throw error("a number starts with 0") }
        guard let value = Int(String(decoding: digits, as: UTF8.self)) else { throw error("a number is too large") }
        if let byte = next, [".", "e", "E"].contains(Unicode.Scalar(byte)) { throw error("a number is no integer") }
        return value
    }

    /// "`told` at byte N of the header".
    func error(_ told: String) -> SelMixError {
        SelMixError(.invalidInput, "\(told) at byte \(position) of the header")
    }

    /// The next byte is not what it has to be.
    func unexpected(instead expected: String) -> SelMixError {
        guard let next else { return SelMixError(.invalidInput, "the header ends where \(expected) should be") }
        let found = (0x21...0x7e).contains(next) ? "`\(Unicode.Scalar(next))`" : "the byte \(next)"
        return error("\(found) instead of \(expected)")
    }
}
