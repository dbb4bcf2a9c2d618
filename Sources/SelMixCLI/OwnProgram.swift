import Foundation

enum OwnProgram {
    /// The path of the executable that this process runs.
    static func path() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}
