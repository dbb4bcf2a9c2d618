/// How a socket protects what goes over it.
public enum SocketSecurity: Sendable {
    /// Not at all: for local sockets, loopback, and where someone asked for it.
    case none
    /// A coordinator: proves its own key, and lets in whom the socket's ``Doorkeeper`` admits.
    case server(CurveKeyPair)
    /// A worker: proves its own key, and talks to nobody but the owner of `server`.
    case client(CurveKeyPair, server: CurveKey)
    /// A worker among those of its group, who share one key: lets in who has it, and connects to who has it.
    case member(CurveKeyPair)
}
