import Coordination
import Testing

@testable import Messaging

@Suite struct KeyTests {
    @Test func everyPairIsNew() throws {
        let pairs = try (0..<20).map { _ in try CurveKeyPair.random() }
        #expect(Set(pairs.map(\.publicKey)).count == 20)
        #expect(Set(pairs.map(\.secretKey)).count == 20)
    }

    @Test func theSecretKeyGivesThePublicOne() throws {
        let pair = try CurveKeyPair.random()
        #expect(try CurveKeyPair(secretKey: pair.secretKey).publicKey == pair.publicKey)
    }

    @Test func hexadecimalTextIsReadBack() throws {
        let key = try CurveKeyPair.random().publicKey
        #expect(CurveKey(hexadecimal: key.hexadecimal) == key)
        #expect(CurveKey(hexadecimal: key.hexadecimal.uppercased()) == key)
    }

    @Test(arguments: ["", "00", String(repeating: "0", count: 63), String(repeating: "g", count: 64)])
    func otherTextIsNoKey(text: String) { #expect(CurveKey(hexadecimal: text) == nil) }

    @Test func aKeyIsNotPrinted() throws {
        let key = try CurveKeyPair.random().secretKey
        #expect("\(key)" == "a key")
    }
}
