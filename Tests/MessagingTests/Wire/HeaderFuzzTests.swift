import Coordination
import Messaging
import Testing

/// No header ends the process or shows memory beyond its frames: it is either refused with a reason or a packet within all
/// bounds. Mutations are drawn from a seed, so that a failure is found again by its number.
@Suite struct HeaderFuzzTests {
    private static let parts = 8
    private static let mutationsEach = 30_000
    private static let seed: UInt64 = 0x7e_4507
    private static let limits = WireLimits(tensorBytes: 4096)

    @Test(arguments: 0..<parts) func damagedHeadersAreRefusedOrRemainPackets(part: Int) {
        var originals = Draw(seed: Self.seed)
        let sources = [
            Self.originals(WorkerKind.allCases.map { originals.message($0) }, &originals),
            Self.originals(CoordinatorKind.allCases.map { originals.message($0) }, &originals),
            Self.originals(PeerKind.allCases.map { originals.message($0) }, &originals),
        ]
        var taken = 0
        for number in part * Self.mutationsEach..<(part + 1) * Self.mutationsEach {
            var draw = Draw(seed: Self.seed, number: 1 + number)
            // Now and then another side's, which is never, or hardly ever, a message of this one.
            let side = draw.below(3)
            let originals = sources[draw.below(16) == 0 ? draw.below(3) : side]
            let original = originals[draw.below(originals.count)]
            var header = original.header
            for _ in 0...max(0, draw.below(6) - 3) { Self.mutate(&header, originals, &draw) }
            let frames = Self.mutated(original.frames, &draw)
            let isTaken =
                switch side {
                case 0: Self.check(header, frames, number, as: WorkerMessage.self)
                case 1: Self.check(header, frames, number, as: CoordinatorMessage.self)
                default: Self.check(header, frames, number, as: PeerMessage.self)
                }
            if isTaken { taken += 1 }
        }
        // All sides are exercised: most damage to a text or a number leaves a packet.
        #expect(taken > Self.mutationsEach / 20)
        #expect(taken < Self.mutationsEach / 2)
    }

    private struct Original {
        var header: [UInt8]
        var frames: [Frame]
    }

    private static func originals<Message: WireEncodable>(_ messages: [Message], _ draw: inout Draw) -> [Original] {
        messages.flatMap { message in
            (0..<4).map { _ in
                let packet = draw.packet(message)
                return Original(header: packet.encodedHeader(), frames: packet.frames)
            }
        }
    }

    /// - Returns: whether the header is a packet's.
    private static func check<Message: WireEncodable & WireDecodable>(
        _ header: [UInt8], _ frames: [Frame], _ number: Int, as type: Message.Type
    ) -> Bool {
        do {
            let packet = try decode(header, frames: frames, as: type, limits: limits)
            if let flaw = flaw(of: packet, frames) { Issue.record("mutation \(number): \(flaw) in \(packet)") }
            // What is a packet can be sent on, and says the same then.
            let again = packet.encodedHeader()
            let told = try decode(again, frames: frames, as: type, limits: limits).encodedHeader()
            if told != again { Issue.record("mutation \(number): \(packet) changes when it is sent on") }
            return true
        } catch let error as WireError {
            if error.reason.isEmpty { Issue.record("mutation \(number) is refused without a reason") }
        } catch {
            Issue.record("mutation \(number): \(error)")
        }
        return false
    }

    private static func flaw<Message>(of packet: Packet<Message>, _ frames: [Frame]) -> String? {
        guard packet.header.worker.utf8.count <= limits.nameBytes else { return "a long name" }
        guard packet.tensors.count == frames.count, frames.count <= limits.tensors else { return "other frames" }
        for (tensor, frame) in zip(packet.tensors, frames) {
            guard tensor.bytes.baseAddress == frame.bytes.baseAddress, tensor.bytes.count == frame.bytes.count,
                tensor.owner === frame.owner
            else { return "bytes of another frame" }
            guard tensor.shape.reduce(tensor.type.byteCount, *) == frame.bytes.count else { return "another size" }
            guard tensor.shape.count <= limits.rank, tensor.name.utf8.count <= limits.nameBytes else {
                return "a tensor out of bounds"
            }
        }
        return nil
    }

    // MARK: Damage

    /// Lengths, tags and values that matter to a parser of protobuf.
    private static let varints: [[UInt8]] = [
        [0x00], [0x01], [0x7F], [0x80, 0x01], [0x80], [0xFF, 0xFF, 0x03], [0x80, 0x80, 0x80, 0x80, 0x08],
        [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0xFF, 0xFF, 0xFF, 0xFF, 0x07],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x32], [0x1A], [0x0B, 0x0C], [0xC2, 0x01],
    ]

    private static func mutate(_ header: inout [UInt8], _ originals: [Original], _ draw: inout Draw) {
        guard !header.isEmpty else { return header.append(draw.byte()) }
        let place = draw.below(header.count)
        let end = min(header.count, place + 1 + draw.below(12))
        switch draw.below(11) {
        case 0, 1, 2: header[place] ^= 1 << draw.below(8)
        case 3: header[place] = draw.byte()
        case 4: header.removeLast(draw.below(header.count + 1))
        case 5: header.insert(contentsOf: (0...draw.below(9)).map { _ in draw.byte() }, at: place)
        case 6: header.removeSubrange(place..<end)
        case 7: header.insert(contentsOf: header[place..<end], at: draw.below(header.count))
        case 8: splice(&header, originals[draw.below(originals.count)].header, &draw)
        case 9: header.replaceSubrange(place..<min(end, place + 2), with: varints[draw.below(varints.count)])
        default: if draw.below(8) == 0 { header = (0..<draw.below(64)).map { _ in draw.byte() } }
        }
    }

    /// Puts a part of another header behind, into or in place of a part of this one.
    private static func splice(_ header: inout [UInt8], _ other: [UInt8], _ draw: inout Draw) {
        switch draw.below(3) {
        case 0: header += other
        case 1: header = Array(header.prefix(draw.below(header.count + 1)) + other.suffix(draw.below(other.count + 1)))
        default: header.insert(contentsOf: other.prefix(draw.below(other.count + 1)), at: draw.below(header.count))
        }
    }

    private static let strays = [0, 1, 24].map { Block([UInt8](repeating: 7, count: $0)) }

    private static func mutated(_ frames: [Frame], _ draw: inout Draw) -> [Frame] {
        var frames = frames
        let stray = strays[draw.below(strays.count)]
        switch draw.below(24) {
        case 0: frames.append((stray.bytes, stray))
        case 1 where !frames.isEmpty: frames.removeLast()
        case 2 where !frames.isEmpty: frames[draw.below(frames.count)] = (stray.bytes, stray)
        default: break
        }
        return frames
    }
}
