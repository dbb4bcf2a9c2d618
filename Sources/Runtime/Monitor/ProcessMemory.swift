import Foundation

/// What this process takes of the machine's memory.
enum ProcessMemory {
    private static let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))

    /// Nil where the system does not tell.
    static var residentBytes: UInt64? { pages.map { $0.resident * page } }
    /// Resident and not shared with a file: what ends with this process.
    static var privateBytes: UInt64? { pages.map { ($0.resident - min($0.resident, $0.shared)) * page } }

    private static var pages: (resident: UInt64, shared: UInt64)? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ").prefix(3).compactMap { UInt64($0) }
        return fields.count == 3 ? (fields[1], fields[2]) : nil
    }
}
