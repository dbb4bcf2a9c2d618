import Common
import Testing

/// Text as editors on any system save it.
@Suite struct TextFileTests {
    @Test(arguments: ["a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "\u{feff}a\nb\n\nc", "\u{feff}a\r\nb\n\rc"])
    func linesAreTheSame(text: String) {
        #expect(TextFile.lines(of: text) == ["a", "b", "", "c"])
    }

    @Test func everyEncodingGivesTheSameText() {
        let text = "zürich 1\r\n"
        let units = Array(text.utf16)
        let little = units.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        let big = units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        #expect(TextFile.text(of: Array(text.utf8)) == text)
        #expect(TextFile.text(of: [0xef, 0xbb, 0xbf] + text.utf8) == text)
        #expect(TextFile.text(of: [0xff, 0xfe] + little) == text)
        #expect(TextFile.text(of: [0xfe, 0xff] + big) == text)
        #expect(TextFile.text(of: []) == "")
        #expect(TextFile.text(of: [0x61, 0xff]) == nil)
        #expect(TextFile.text(of: [0xff, 0xfe, 0x61]) == nil)
        #expect(TextFile.text(of: [0xff, 0xfe, 0x00, 0xd8]) == nil)
    }
}
