import Foundation

/// Where a worker looks for the files that the coordinator names by its own absolute paths.
public struct DataRoot: Sendable {
    /// Nil: under the same paths.
    let root: String?

    public init(_ root: String?) { self.root = root }

    /// The places where a file may lie, the likeliest first: with a root, the file's path below it, then shorter and shorter
    /// ends of the path, so that `/data/lt/train.npy` is found as `ROOT/data/lt/train.npy`, `ROOT/lt/train.npy` or
    /// `ROOT/train.npy`.
    func candidates(for path: String) -> [String] {
        guard let root else { return [path] }
        // `..` would lead out of the root.
        let parts = path.split(separator: "/").filter { $0 != ".." && $0 != "." }
        return parts.indices.map { "\(root)/\(parts[$0...].joined(separator: "/"))" }
    }

    /// The first of them that is there.
    func find(_ path: String) -> String? {
        candidates(for: path).first { FileManager.default.fileExists(atPath: $0) }
    }

    /// Where these files lie; what is not there stays under its own path, where opening it says so.
    func places(of paths: [String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: paths.map { ($0, find($0) ?? candidates(for: $0)[0]) })
    }
}
