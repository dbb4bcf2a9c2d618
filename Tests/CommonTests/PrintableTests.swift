import Common
import Foundation
import Testing

/// What other machines say shows on a terminal as what it is.
@Suite struct PrintableTests {
    @Test(arguments: [
        ("gpu1/\u{1B}[2J", "gpu1/\\u{1B}[2J"), ("a\nerror: b", "a\\u{A}error: b"), ("\r\u{7F}", "\\u{D}\\u{7F}"),
        ("\u{9B}31m", "\\u{9B}31m"), ("a\u{2028}b", "a\\u{2028}b"), ("\u{202E}txt.exe", "\\u{202E}txt.exe"),
        ("\u{FEFF}x\u{200B}", "\\u{FEFF}x\\u{200B}"), ("e\u{301} 漢 🧪 ~", "e\u{301} 漢 🧪 ~"),
    ])
    func whatMovesACursorIsShown(text: String, shown: String) {
        #expect(text.printable == shown)
        #expect(text.isPrintable == (text == shown))
        #expect(shown.isPrintable)
    }

    @Test func jsonStaysTheSameJSON() throws {
        let texts = ["\u{1B}[2J\n", "\u{9B}31m", "\u{202E}", "\u{E0001}", "é漢🧪"]
        let written = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
        #expect(written.printableJSON.isPrintable)
        #expect(try JSONDecoder().decode([String].self, from: Data(written.printableJSON.utf8)) == texts)
    }
}
