/// The version of the program. Coordinator and workers must be the same one, because bits may differ between two.
public enum Version {
    public static let current = "0.1.0"
}
