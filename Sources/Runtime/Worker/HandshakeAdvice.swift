import Coordination
import Messaging

/// What a failed handshake means to a worker.
struct HandshakeAdvice {
    let text: String
    /// Whether it may be different the next time.
    let mayPass: Bool

    /// - Returns: nil for what says nothing, such as a coordinator that is just ending.
    init?(_ rejection: Rejection, security: SocketSecurity) {
        let hasKeys = if case .client = security { true } else { false }
        switch rejection {
        case .unlistedKey:
            text =
                "it does not list this worker's key; the coordinator needs workers/NAME.public in its --keys directory"
            mayPass = false
        case .plainClient:
            text =
                hasKeys
                ? "it uses no keys, and this worker does; give --keys to both or to none"
                : "it uses keys, and this worker does not; give this worker --keys DIR"
            mayPass = false
        case .noHandshake where hasKeys, .badHandshake where hasKeys:
            text = "it hangs up during the handshake; it may have other keys than coordinator.public here"
            mayPass = true
        default: return nil
        }
    }
}
