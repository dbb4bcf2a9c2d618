import Common

/// Addresses of the two socket pairs.
enum Endpoint {
    /// The address for tensors that goes with one for control: the next port, or the path with `.bulk` behind it.
    static func bulk(besides control: String) throws -> String {
        if control.hasPrefix("ipc://") { return control + ".bulk" }
        guard control.hasPrefix("tcp://"), let colon = control.lastIndex(of: ":") else {
            throw SelMixError(
                .usage, "`\(control)` is no address", hint: "use tcp://HOST:PORT, or ipc://PATH on one machine")
        }
        let port = control[control.index(after: colon)...]
        if port == "*" { return control }
        guard let number = UInt16(port), number > 0, number < .max else {
            throw SelMixError(.usage, "`\(control)` has no port from 1 to 65534", hint: "use tcp://HOST:PORT")
        }
        return "\(control[...colon])\(number + 1)"
    }
}
