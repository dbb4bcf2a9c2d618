/// ZeroMQ's question whether a connection may be made (ZAP, ZeroMQ RFC 27): frames of version, request id, domain, address,
/// identity, mechanism, and the mechanism's credentials, which for CURVE are the peer's public key.
struct ZapRequest {
    static let domain = "selmix"

    let id: [UInt8]
    /// Where the peer comes from.
    let address: String
    let key: CurveKey

    /// - Returns: nil for anything but a question about a CURVE key in our domain.
    init?(_ frames: [[UInt8]]) {
        guard frames.count == 7, frames[0] == Array("1.0".utf8), frames[2] == Array(Self.domain.utf8),
            frames[5] == Array("CURVE".utf8), let key = CurveKey(bytes: frames[6])
        else { return nil }
        id = frames[1]
        address = String(decoding: frames[3].prefix(64), as: UTF8.self)
        self.key = key
    }

    /// The answer: yes to a peer that from now on is known by a name, or no to one without.
    func answer(_ name: String?) -> [[UInt8]] {
        let status = name == nil ? ("400", "this key is not listed") : ("200", "")
        return ["1.0", nil, status.0, status.1, name ?? "", ""].map { $0.map { Array($0.utf8) } ?? id }
    }

    /// The answer to what is no request of ours.
    static func refusal(of frames: [[UInt8]]) -> [[UInt8]] {
        [Array("1.0".utf8), frames.count > 1 ? frames[1] : [], Array("400".utf8), Array("not understood".utf8), [], []]
    }
}
