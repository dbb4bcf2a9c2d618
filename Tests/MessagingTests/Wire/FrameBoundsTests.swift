import Coordination
import Messaging
import Testing

/// The bounds of header and tensors: the last value within passes, the first one beyond is refused with its reason.
@Suite struct FrameBoundsTests {
    private static let alive = WireBytes.header().message(22, WireBytes())

    private static func expectRefused(
        _ reason: String, _ header: WireBytes, frames: [Frame] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: WireError.self, sourceLocation: sourceLocation) {
            try decode(header.bytes, frames: frames, as: CoordinatorMessage.self)
        }
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
    }

    private static func expectTaken(
        _ header: WireBytes, frames: [Frame] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            let packet = try decode(header.bytes, frames: frames, as: CoordinatorMessage.self)
            #expect(packet.message == .alive && packet.tensors.count == frames.count, sourceLocation: sourceLocation)
        }
    }

    private static func alive(_ tensors: WireBytes...) -> WireBytes { tensors.reduce(alive) { $0.tensor($1) } }

    // MARK: The header frame

    @Test func headersOfOneMebibyteAtMost() {
        let limit = WireLimits(tensorBytes: 0).headerBytes
        #expect(limit == 1 << 20)
        // A field of unknown number pads the header: two bytes of tag and three of length before its content.
        let room = limit - MessageSeal.sealed(Self.alive.bytes).count - 5
        Self.expectTaken(Self.alive.data(99, [UInt8](repeating: 1, count: room)))
        Self.expectRefused(
            "a header of \(limit + 1) bytes", Self.alive.data(99, [UInt8](repeating: 1, count: room + 1)))
    }

    @Test func whatIsNoProtobufIsRefused() {
        Self.expectRefused(
            "not a message of this protocol", WireBytes().data(4, [0xFF]).data(4, [0xC0, 0x80]).number(4, 1))
        for count in 1..<Self.alive.bytes.count {
            let cut = Array(Self.alive.bytes.prefix(count))
            #expect(throws: WireError.self) { try decode(cut, as: CoordinatorMessage.self) }
        }
    }

    @Test func anEmptyHeaderIsNoMessage() {
        Self.expectRefused("no message from a coordinator (kind 0)", WireBytes())
        #expect(throws: WireError.self) {
            try Packet<CoordinatorMessage>(
                decoding: UnsafeRawBufferPointer(start: nil, count: 0), frames: [], limits: WireLimits(tensorBytes: 0))
        }
    }

    @Test(arguments: [1, 8, 15, 17, 32]) func runIDsHaveSixteenBytes(count: Int) {
        let body = WireBytes.header(runID: [UInt8](repeating: 1, count: count)).message(22, WireBytes())
        Self.expectRefused("a run id of \(count) bytes", body)
    }

    @Test func workerNamesHave200BytesAtMost() {
        func named(_ name: String) -> WireBytes { .header(worker: name).message(22, WireBytes()) }
        Self.expectTaken(named(String(repeating: "x", count: 200)))
        Self.expectRefused("a worker's name that is none", named(String(repeating: "x", count: 201)))
        Self.expectRefused("a text of 257 bytes", named(String(repeating: "x", count: 257)))
    }

    /// Every byte that is no UTF-8 becomes a replacement character, of three bytes.
    @Test func bytesThatAreNoTextAreReplaced() throws {
        let header = WireBytes().message(26, WireBytes().data(1, [0x61, 0xFF]))
        #expect(try decode(header.bytes, as: CoordinatorMessage.self).message == .release(reason: "a\u{FFFD}"))
        Self.expectRefused(
            "a text of 258 bytes", WireBytes().data(4, [UInt8](repeating: 0xFF, count: 86)).message(22, WireBytes()))
    }

    // MARK: Tensors

    @Test func sixteenTensorsAtMost() {
        func many(_ count: Int) -> WireBytes {
            (0..<count).reduce(Self.alive) { header, _ in header.tensor(.tensor(shape: [1])) }
        }
        Self.expectTaken(many(16), frames: (0..<16).map { _ in frame(1) })
        Self.expectRefused("17 tensors in one message", many(17), frames: (0..<17).map { _ in frame(1) })
        Self.expectRefused("500000 tensors in one message", Self.alive.emptyTensors(500_000))
    }

    @Test func asManyFramesAsAreAnnounced() {
        let tensors = Self.alive(.tensor(shape: [1]), .tensor(shape: [2]))
        Self.expectTaken(tensors, frames: [frame(1), frame(2)])
        Self.expectRefused("1 tensor frames where 2 are announced", tensors, frames: [frame(1)])
        Self.expectRefused("3 tensor frames where 2 are announced", tensors, frames: [frame(1), frame(2), frame(3)])
        Self.expectRefused("0 tensor frames where 2 are announced", tensors)
        Self.expectRefused("1 tensor frames where 0 are announced", Self.alive, frames: [frame(0)])
    }

    @Test func framesHaveTheAnnouncedSize() {
        let tensor = Self.alive(.tensor(type: 1, shape: [2, 3]))
        Self.expectTaken(tensor, frames: [frame(24)])
        Self.expectTaken(Self.alive(.tensor(type: 3, shape: [])), frames: [frame(8)])
        Self.expectRefused("tensor t has 23 bytes instead of 24", tensor, frames: [frame(23)])
        Self.expectRefused("tensor t has 25 bytes instead of 24", tensor, frames: [frame(25)])
        Self.expectRefused("tensor t has 0 bytes instead of 24", tensor, frames: [frame(0)])
        Self.expectRefused("tensor t has 1 bytes instead of 0", Self.alive(.tensor(shape: [0, 9])), frames: [frame(1)])
    }

    @Test func rankFourAtMost() {
        Self.expectTaken(Self.alive(.tensor(shape: [1, 1, 1, 1])), frames: [frame(1)])
        Self.expectRefused("tensor t has rank 5", Self.alive(.tensor(shape: [1, 1, 1, 1, 1])), frames: [frame(1)])
        Self.expectRefused("tensor t has rank 100000", Self.alive(.tensor(shape: .init(repeating: 1, count: 100_000))))
    }

    /// ``decode(_:frames:as:limits:)`` allows 4096 bytes.
    @Test(
        arguments: [
            [4097], [64, 65], [UInt64.max], [1 << 63], [1 << 62, 8], [1 << 32, 1 << 32], [3, 1 << 62, 0],
            // Nothing is in these, but whoever multiplies their sizes in another order overflows.
            [0, 1 << 62], [0, UInt64.max], [0, 4096, 4096, 4096], [4096, 0, 2],
        ] as [[UInt64]]) func shapesBeyondTheLongestFrame(shape: [UInt64])
    {
        Self.expectRefused("tensor t is too large", Self.alive(.tensor(shape: shape)), frames: [frame(0)])
    }

    @Test func aFrameOfTheGreatestLengthIsTaken() {
        Self.expectTaken(Self.alive(.tensor(type: 3, shape: [512])), frames: [frame(4096)])
        Self.expectRefused("tensor t is too large", Self.alive(.tensor(type: 3, shape: [513])), frames: [frame(4104)])
    }

    @Test(arguments: [0, 7, 127, 1 << 31, UInt64.max]) func unknownTypes(type: UInt64) {
        Self.expectRefused(
            "tensor t has the unknown type \(UInt32(truncatingIfNeeded: type))",
            Self.alive(.tensor(type: type, shape: [1])), frames: [frame(1)])
    }

    @Test func tensorNamesHave256BytesAtMost() {
        Self.expectTaken(Self.alive(.tensor(String(repeating: "n", count: 256), shape: [1])), frames: [frame(1)])
        Self.expectRefused(
            "a text of 257 bytes", Self.alive(.tensor(String(repeating: "n", count: 257), shape: [1])),
            frames: [frame(1)])
    }
}
