import Foundation

/// The folder that a job file lies in, from which its relative paths start.
///
/// Paths are joined as text. `..` stays, because behind a symbolic link it does not lead where the text suggests. `~` is the
/// home directory (``UserPath``).
struct JobFolder {
    /// Absolute.
    let path: String

    init(of jobFile: String) {
        let here = JobFolder(path: FileManager.default.currentDirectoryPath)
        path = "/" + here.joined(jobFile).split(separator: "/").dropLast().joined(separator: "/")
    }

    private init(path: String) {
        self.path = path
    }

    /// The absolute form of a path from the job file.
    func absolute(_ file: String) throws -> String { joined(try UserPath.expanded(file)) }

    private func joined(_ file: String) -> String {
        let joined = file.hasPrefix("/") ? file : "\(path)/\(file)"
        return "/" + joined.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The absolute form of a reference "FILE#TENSOR" or "FILE": the tensor's name stays as it is, whatever it contains.
    func reference(_ text: String) throws -> String {
        guard let mark = text.lastIndex(of: "#"), !text.hasSuffix(".npy") else { return try absolute(text) }
        return try absolute(String(text[..<mark])) + text[mark...]
    }
}
