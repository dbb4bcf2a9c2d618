/// What a worker may be called. Names end up in logs, on terminals, in metrics and in file names, and say under which key a
/// worker comes, so they have an alphabet, which is checked where a name enters.
public enum WorkerName {
    public static let longest = 200
    /// For messages to people.
    public static let rule =
        "1 to \(longest) letters, digits and . _ - / : @ + of ASCII, the first a letter, a digit or _"

    public static func isValid(_ name: some StringProtocol) -> Bool {
        guard (1...longest).contains(name.utf8.count), let first = name.utf8.first else { return false }
        return (isLetterOrDigit(first) || first == UInt8(ascii: "_")) && name.utf8.allSatisfy(isAllowed)
    }

    /// The nearest name to a text, such as that of a machine: what is not allowed becomes a dash.
    public static func nearest(to text: String) -> String {
        let name = String(text.map { $0.utf8.count == 1 && isAllowed($0.utf8.first!) ? $0 : "-" }.prefix(longest / 2))
        return isValid(name) ? name : "w" + name
    }

    private static func isAllowed(_ byte: UInt8) -> Bool { isLetterOrDigit(byte) || "._-/:@+".utf8.contains(byte) }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
