import CZeroMQ
import Common

public struct CurveKeyPair: Sendable {
    public let publicKey: CurveKey
    public let secretKey: CurveKey

    /// A pair that nobody had before.
    public static func random() throws -> CurveKeyPair {
        try checkSupport()
        // Z85 text of 40 characters and a zero, as ZeroMQ makes them.
        var (publicText, secretText) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_curve_keypair(&publicText, &secretText) == 0, let publicKey = key(publicText),
            let secretKey = key(secretText)
        else { throw SelMixError.zeroMQ("no key pair could be made") }
        return CurveKeyPair(publicKey: publicKey, secretKey: secretKey)
    }

    /// The pair of a secret key.
    public init(secretKey: CurveKey) throws {
        try Self.checkSupport()
        var (secretText, publicText) = ([CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41))
        guard zmq_z85_encode(&secretText, secretKey.bytes, secretKey.bytes.count) != nil,
            zmq_curve_public(&publicText, secretText) == 0, let publicKey = Self.key(publicText)
        else { throw SelMixError.zeroMQ("no public key could be computed") }
        self.init(publicKey: publicKey, secretKey: secretKey)
    }

    private init(publicKey: CurveKey, secretKey: CurveKey) {
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    private static func key(_ z85: [CChar]) -> CurveKey? {
        var bytes = [UInt8](repeating: 0, count: CurveKey.byteCount)
        return zmq_z85_decode(&bytes, z85) == nil ? nil : CurveKey(bytes: bytes)
    }

    private static func checkSupport() throws {
        guard zmq_has("curve") == 0 else { return }
        throw SelMixError(
            .failed, "the ZeroMQ library of this system cannot encrypt",
            hint: "install one that was built with CURVE, such as Debian's libzmq5")
    }
}
