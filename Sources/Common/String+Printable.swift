extension String {
    /// The text on one line that says to a terminal, or to a reader of a log, nothing but what it shows.
    ///
    /// Names, versions and reasons come from other machines. Printed as they are, an escape sequence clears the screen or
    /// changes the window's title, a line break adds a line that nobody wrote, and a mark that turns the direction of
    /// writing shows something else than what is there. All of these become `\u{1B}` and the like.
    public var printable: String {
        guard unicodeScalars.contains(where: { !$0.isPrintable }) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isPrintable {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return text
    }

    /// The same for a text in JSON, which escapes controls of ASCII by itself and knows no `\u{1B}`; its line breaks are layout.
    public var printableJSON: String {
        guard utf8.contains(where: { $0 >= 0x7F }) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.value < 0x7F || scalar.isPrintable {
                text.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            }
        }
        return text
    }

    /// Whether ``printable`` is the text itself.
    public var isPrintable: Bool { unicodeScalars.allSatisfy(\.isPrintable) }
}

extension Unicode.Scalar {
    /// No control, no separator of lines, no invisible mark.
    fileprivate var isPrintable: Bool {
        if isASCII { return value >= 0x20 && value != 0x7F }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return false
        default: return true
        }
    }
}
