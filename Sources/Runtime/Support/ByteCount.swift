import Foundation

/// Sizes for people: "949 MB".
public enum ByteCount {
    public static func text(_ bytes: Int) -> String {
        for (unit, name) in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")] where Double(bytes) >= unit {
            let value = Double(bytes) / unit
            return String(format: value < 10 ? "%.1f \(name)" : "%.0f \(name)", value)
        }
        return "\(bytes) bytes"
    }
}
