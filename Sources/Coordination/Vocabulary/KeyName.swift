/// What a worker's key is called, which says whom its owner may be: the worker of that name, or one of several that share
/// the key, as `NAME/0`, `NAME/1` and so on.
public struct KeyName: Hashable, Sendable, CustomStringConvertible {
    public let text: String
    public var description: String { text }

    /// - Returns: nil unless it is 1 to 64 letters, digits, `.`, `_` and `-`, the first of them no `.` or `-`; so it can be a
    ///   file's name, and no `/` is in it.
    public init?(_ text: some StringProtocol) {
        let isAllowed = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isAllowed, (1...64).contains(text.utf8.count), !text.hasPrefix("."), !text.hasPrefix("-") else {
            return nil
        }
        self.text = String(text)
    }

    /// The key that a worker of this name uses; nil if no key can have that name.
    public init?(ofWorker worker: String) {
        self.init(worker.prefix { $0 != "/" })
    }

    public func speaks(for worker: String) -> Bool { worker == text || worker.hasPrefix(text + "/") }
}
