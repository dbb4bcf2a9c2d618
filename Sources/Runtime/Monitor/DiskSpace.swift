import Foundation

enum DiskSpace {
    /// What a user may still write to the disk of a path; nil where the system does not tell.
    static func freeBytes(_ path: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
