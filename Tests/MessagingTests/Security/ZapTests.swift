import Coordination
import Testing

@testable import Messaging

/// ZeroMQ's questions about keys, and what is none.
@Suite struct ZapTests {
    private static let key = [UInt8](1...32)
    private static let good: [[UInt8]] = [
        Array("1.0".utf8), [7, 8], Array("selmix".utf8), Array("10.0.0.9".utf8), [], Array("CURVE".utf8), key,
    ]

    @Test func aQuestionIsRead() throws {
        let request = try #require(ZapRequest(Self.good))
        #expect(request.key.bytes == Self.key)
        #expect(request.address == "10.0.0.9")
        let text = { (frames: [[UInt8]]) in frames.map { String(decoding: $0, as: UTF8.self) } }
        #expect(request.answer("gpu1")[1] == [7, 8])
        #expect(text(request.answer("gpu1"))[2...] == ["200", "", "gpu1", ""])
        #expect(text(request.answer(nil))[2...] == ["400", "this key is not listed", "", ""])
    }

    @Test func whatIsNoQuestionOfOursIsRefused() {
        for index in [0, 2, 5, 6] {
            var frames = Self.good
            frames[index].append(0)
            #expect(ZapRequest(frames) == nil, "frame \(index)")
            frames[index] = []
            #expect(ZapRequest(frames) == nil, "frame \(index)")
        }
        #expect(ZapRequest(Self.good.dropLast()) == nil)
        #expect(ZapRequest(Self.good + [[]]) == nil)
        #expect(ZapRequest([]) == nil)
        #expect(ZapRequest.refusal(of: [])[2] == Array("400".utf8))
    }

    @Test func noiseIsRefused() {
        var draw = Draw(seed: 5)
        for _ in 0..<20_000 {
            var frames = Self.good
            for _ in 0...draw.below(3) {
                frames[draw.below(frames.count)] = (0..<draw.below(40)).map { _ in draw.byte() }
            }
            // A random identity, id or address is as good as another.
            if let request = ZapRequest(frames) { #expect(request.answer(nil)[2] == Array("400".utf8)) }
            #expect(HandshakeEvent((0..<draw.below(9)).map { _ in draw.byte() }) != .stopped)
        }
    }

    @Test func eventsAreTold() {
        #expect(HandshakeEvent([0x00, 0x08, 1, 0, 0, 0]) == .failed(.noHandshake))
        #expect(HandshakeEvent([0x00, 0x20, 2, 0, 0, 0x11]) == .failed(.plainClient))
        #expect(HandshakeEvent([0x00, 0x20, 1, 0, 0, 0x11]) == .failed(.badHandshake))
        #expect(HandshakeEvent([0x00, 0x40, 0x90, 1, 0, 0]) == .failed(.unlistedKey))
        #expect(HandshakeEvent([0x00, 0x04, 0, 0, 0, 0]) == .stopped)
        #expect(HandshakeEvent([0x01, 0x00, 0, 0, 0, 0]) == nil)
        #expect(HandshakeEvent([]) == nil)
    }
}
