import Runtime

enum VersionText {
    static let text = "selmix \(Version.current)"
}
