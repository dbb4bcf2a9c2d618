/// Why something that came over the network was refused; the raw values are those of reports and metrics.
public enum Rejection: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
    // A connection.

    /// It does not encrypt, where keys are in use.
    case plainClient = "plain-client"
    /// Its key is not on the list.
    case unlistedKey = "unlisted-key"
    /// It said what nobody with a key says: noise, a recording that is played again.
    case badHandshake = "bad-handshake"
    /// It hung up, or said nothing, before anyone knew who it is.
    case noHandshake = "no-handshake"
    /// There were too many others.
    case crowded

    // A message.

    /// It cannot be decoded, or breaks a bound.
    case malformed
    /// It, or a tensor of it, does not have its digest: something on the way flips bits.
    case damaged
    /// Only the other side says that.
    case wrongRole = "wrong-role"
    /// It claims to come from another worker than it does.
    case otherSender = "other-sender"
    /// It belongs to another run, or to another start of the coordinator.
    case otherRun = "other-run"
    /// It comes from a life that is not known, or that was given up.
    case unknownLife = "unknown-life"
    /// Its tensors are not what they should be.
    case badTensors = "bad-tensors"
    /// It asks for a part of a file that there is not, or that the job does not name.
    case notOffered = "not-offered"

    public var told: String {
        switch self {
        case .plainClient: "a connection without encryption"
        case .unlistedKey: "a connection with a key that is not listed"
        case .badHandshake: "a connection that did not prove its key"
        case .noHandshake: "a connection that ended before its handshake did"
        case .crowded: "a connection where there were too many"
        case .malformed: "a message that cannot be read"
        case .damaged: "a message that was damaged on its way"
        case .wrongRole: "a message that only a coordinator sends"
        case .otherSender: "a message in another worker's name"
        case .otherRun: "a message of another run or start"
        case .unknownLife: "a message of a life that is over or unknown"
        case .badTensors: "a contribution with wrong tensors"
        case .notOffered: "a request for what the job does not name"
        }
    }
}
