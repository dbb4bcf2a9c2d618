import CBuildStamp
import Runtime

enum VersionText {
    /// The version, and the commit and date that the program was built from.
    static let text = "selmix \(Version.current) (\(String(cString: selmix_build_stamp())))"
}
