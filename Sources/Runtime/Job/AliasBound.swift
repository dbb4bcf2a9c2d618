import Common
import Foundation

/// How much a text of YAML can stand for, judged before it is parsed.
///
/// Aliases within aliases multiply, so a few hundred bytes can be thousands of millions of values. The tree of a job has a
/// bound of its own, but the parser compares and hashes what it has read on the way there, above all keys that are aliases.
/// So the text itself is looked at: whoever has A aliases to nest gets the most out of them with three a level, 3^(A/3)
/// times what is written. What merely looks like an alias, in a comment or a quoted text, only makes the bound narrower.
enum AliasBound {
    /// In bytes of the text with its aliases written out.
    static let maximum = 1e8

    /// - Returns: how many aliases the text has, where that is too many; nil where it is not.
    static func excess(in text: String) -> Int? {
        let bytes = Array(text.utf8)
        let anchors = Set(names(after: "&", in: bytes))
        guard !anchors.isEmpty else { return nil }
        let aliases = names(after: "*", in: bytes).count { anchors.contains($0) }
        return Double(bytes.count) * pow(3, Double(aliases) / 3) > maximum ? aliases : nil
    }

    /// The names of anchors and aliases are letters, digits, `-` and `_`.
    private static func names(after mark: Unicode.Scalar, in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        bytes.indices.filter { bytes[$0] == UInt8(ascii: mark) }.compactMap { index in
            let name = bytes[(index + 1)...].prefix { byte in
                let character = Character(Unicode.Scalar(byte))
                return character.isASCII && (character.isLetter || character.isNumber || "-_".contains(character))
            }
            return name.isEmpty ? nil : name
        }
    }
}
