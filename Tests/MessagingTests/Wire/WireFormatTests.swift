import Common
import Coordination
import Messaging
import Testing

/// The bytes themselves: field numbers and types of proto/selmix.proto, written out by hand. When one of these fails, peers
/// of the same protocol version no longer understand each other.
@Suite struct WireFormatTests {
    private static let digest = Digest(rawValue: 0xF0E0_D0C0_B0A0_9080)

    @Test func workerMessages() {
        Self.check(
            WorkerMessage.hello(
                Hello(version: "1.2", host: "h", processID: 300, instructionSet: "avx2", matrixLibrary: "3.1")),
            10, WireBytes().text(1, "1.2").text(2, "h").number(3, 300).text(4, "avx2").text(5, "3.1"))
        Self.check(
            WorkerMessage.heartbeat(
                Heartbeat(phase: .ready(probe: Self.digest), blocks: 9, weights: WeightsVersion(4), holding: [2, 300])),
            11,
            WireBytes().number(1, 1).fixed(2, Self.digest.rawValue).number(3, 9).number(4, 1).number(5, 4)
                .packed(6, [2, 300]))
        var (telemetry, test) = (WorkerTelemetry(), SelfTest())
        telemetry.cores = 3
        telemetry.cpu = 0.5
        telemetry.memoryBytes = 300
        telemetry.roundTrip = 0.25
        telemetry.phases.wait = .init(p50: 1, p95: 2)
        test.diskBytesPerSecond = 8
        func doubles(_ first: Double, _ second: Double) -> WireBytes {
            WireBytes().fixed(1, first.bitPattern).fixed(2, second.bitPattern)
        }
        Self.check(
            WorkerMessage.heartbeat(
                Heartbeat(
                    phase: .loading, blocks: 0, weights: nil, holding: [], telemetry: telemetry, selfTest: test)),
            11,
            WireBytes().message(
                7,
                WireBytes().number(1, 3).fixed(2, (0.5).bitPattern).number(4, 300).fixed(12, (0.25).bitPattern)
                    .message(13, WireBytes()).message(14, WireBytes()).message(15, WireBytes())
                    .message(16, doubles(1, 2)).message(17, WireBytes())
            ).message(8, WireBytes().fixed(3, (8.0).bitPattern)))
        Self.check(
            WorkerMessage.contribution(
                Contribution(
                    assignment: 5, work: .train(StepIndex(7)), weights: WeightsVersion(7), selection: Self.digest,
                    node: TreeNode(4, 6), digest: Self.digest, loss: 0.5)),
            12,
            WireBytes().number(1, 5).message(2, .work()).number(3, 7).fixed(4, Self.digest.rawValue).number(5, 4)
                .number(6, 6).fixed(7, Self.digest.rawValue).fixed(8, (0.5).bitPattern))
        Self.check(
            WorkerMessage.contribution(
                Contribution(
                    assignment: 5, work: .train(StepIndex(7)), weights: WeightsVersion(7), selection: Self.digest,
                    node: TreeNode(4, 6), digest: Self.digest, pieces: [Digest(rawValue: 1), Self.digest], loss: 0)),
            12,
            WireBytes().number(1, 5).message(2, .work()).number(3, 7).fixed(4, Self.digest.rawValue).number(5, 4)
                .number(6, 6).fixed(7, Self.digest.rawValue).packedFixed(9, [1, Self.digest.rawValue]))
        Self.check(
            WorkerMessage.sum(
                PieceSum(
                    step: StepIndex(7), index: 300, parts: [TreeNode(4, 6): Self.digest, TreeNode(0, 4): Self.digest],
                    digest: Self.digest)),
            16,
            WireBytes().number(1, 7).number(2, 300)
                .message(3, WireBytes().number(2, 4).fixed(3, Self.digest.rawValue))
                .message(3, WireBytes().number(1, 4).number(2, 6).fixed(3, Self.digest.rawValue))
                .fixed(4, Self.digest.rawValue))
        Self.check(
            WorkerMessage.heartbeat(
                Heartbeat(phase: .loading, blocks: 0, weights: nil, holding: [], peerAddress: "ipc:///x")),
            11, WireBytes().text(32, "ipc:///x"))
        Self.check(WorkerMessage.leaving(reason: "why"), 13, WireBytes().text(1, "why"))
        Self.check(WorkerMessage.failed(reason: "why"), 14, WireBytes().text(1, "why"))
        Self.check(
            WorkerMessage.heartbeat(
                Heartbeat(
                    phase: .loading, blocks: 0, weights: nil, holding: [],
                    staging: StagingProgress(doneBytes: 7, totalBytes: 300))),
            11, WireBytes().number(30, 300).number(31, 7))
        Self.check(WorkerMessage.listFiles, 40, WireBytes())
        Self.check(WorkerMessage.fetch(ChunkID(file: 3, chunk: 300)), 41, WireBytes().number(1, 3).number(2, 300))
    }

    @Test func coordinatorMessages() {
        Self.check(
            CoordinatorMessage.welcome(
                Welcome(
                    instructionSet: "avx2", heartbeatInterval: .milliseconds(400), orphanTimeout: .seconds(60),
                    shards: 8
                )), 20, WireBytes().text(1, "avx2").number(2, 400_000).number(3, 60_000_000).number(4, 8))
        Self.check(
            CoordinatorMessage.refused(reason: "why", retry: true), 21, WireBytes().text(1, "why").number(2, 1))
        Self.check(CoordinatorMessage.alive, 22, WireBytes())
        Self.check(CoordinatorMessage.rejoin(reason: "why"), 23, WireBytes().text(1, "why"))
        Self.check(
            CoordinatorMessage.weights(WeightsVersion(7), Self.digest, passedOn: true), 24,
            WireBytes().number(1, 7).fixed(2, Self.digest.rawValue).number(3, 1))
        Self.check(
            CoordinatorMessage.weightsSlice(WeightsVersion(7), index: 300), 27, WireBytes().number(1, 7).number(2, 300))
        Self.check(
            CoordinatorMessage.weightsPiece(WeightsVersion(7), index: 300), 28, WireBytes().number(1, 7).number(2, 300))
        let members = [1, 2].map { ReductionGroup.Member(life: Incarnation(rawValue: $0), address: "a\($0)") }
        Self.check(
            CoordinatorMessage.assign(
                Assignment(
                    number: 5, work: .train(StepIndex(7)), weights: WeightsVersion(7), selection: Self.digest,
                    shards: [ShardID(1)], group: ReductionGroup(members: members))),
            25,
            WireBytes().number(1, 5).message(2, .work()).number(3, 7).fixed(4, Self.digest.rawValue).packed(5, [1])
                .message(8, WireBytes().fixed(1, 1).text(2, "a1")).message(8, WireBytes().fixed(1, 2).text(2, "a2")))
        Self.check(
            CoordinatorMessage.assign(
                Assignment(
                    number: 5, work: .validate(RoundIndex(7)), weights: WeightsVersion(7), selection: Self.digest,
                    shards: [ShardID(1), ShardID(200)], featureSums: true)),
            25,
            WireBytes().number(1, 5).message(2, .work(kind: 1)).number(3, 7).fixed(4, Self.digest.rawValue)
                .packed(5, [1, 200]).number(6, 1))
        Self.check(CoordinatorMessage.release(reason: "why"), 26, WireBytes().text(1, "why"))
        Self.check(CoordinatorMessage.files(chunkBytes: 300), 50, WireBytes().number(1, 300))
        Self.check(CoordinatorMessage.chunk(ChunkID(file: 3, chunk: 300)), 51, WireBytes().number(1, 3).number(2, 300))
        Self.check(CoordinatorMessage.noFiles(reason: "why"), 52, WireBytes().text(1, "why"))
    }

    @Test func messagesBetweenWorkers() {
        Self.check(
            PeerMessage.part(GradientPart(step: StepIndex(7), node: TreeNode(4, 6), index: 300)), 60,
            WireBytes().number(1, 7).number(2, 4).number(3, 6).number(4, 300))
        Self.check(
            PeerMessage.weightsPiece(WeightsVersion(7), index: 300), 28, WireBytes().number(1, 7).number(2, 300))
    }

    private static func check<Message: WireEncodable & WireDecodable & Equatable>(
        _ message: Message, _ field: Int, _ body: WireBytes, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let tensors = [
            TensorFrame("a", [1, 2, 3]),
            TensorFrame(
                name: "b", type: .float32, shape: [0, 300], bytes: .init(start: nil, count: 0), owner: Block([])),
        ]
        let packet = Packet(message, header: .example, tensors: tensors)
        // XXH3 of the bytes 1, 2 and 3.
        let digest = message.digestsTensors ? WireBytes().fixed(4, 0xEBCE_9B76_32AE_733B) : WireBytes()
        let expected = WireBytes.header().tensor(.tensor("a", shape: [3]).then(digest)).tensor(
            .tensor("b", type: 1, shape: [0, 300])
        ).message(field, body)
        #expect(packet.encodedHeader() == MessageSeal.sealed(expected.bytes), sourceLocation: sourceLocation)
        #expect(throws: Never.self, sourceLocation: sourceLocation) {
            let arrived = try decode(expected.bytes, frames: packet.frames, as: Message.self)
            #expect(arrived.message == message && arrived.header == packet.header, sourceLocation: sourceLocation)
        }
    }

    /// A later version of the program may add fields, and any encoder may choose the order of fields.
    @Test func unknownFieldsAndAnotherOrderAreUnderstood() throws {
        let body = WireBytes().fixed(2, 5).text(77, "new").number(1, 4)
        let header = WireBytes().text(99, "new").message(24, body).fixed(5, 9).number(1, 1).data(2, Array(1...16))
        let packet = try decode(header.bytes, as: CoordinatorMessage.self)
        #expect(packet.message == .weights(WeightsVersion(4), Digest(rawValue: 5), passedOn: false))
        #expect(packet.header.incarnation == Incarnation(rawValue: 9))
        #expect(packet.header.epoch == .unknown && packet.header.worker == "")
    }

    @Test func aHeaderWithoutRunIsOne() throws {
        let packet = Packet(
            WorkerMessage.leaving(reason: "x"),
            header: Header(runID: nil, epoch: .unknown, worker: "", incarnation: Incarnation(rawValue: 0)))
        let expected = WireBytes().number(1, 2).message(13, WireBytes().text(1, "x")).bytes
        #expect(packet.encodedHeader() == MessageSeal.sealed(expected))
        // Field 100, eight bytes: XXH3 of what is before.
        #expect(packet.encodedHeader().dropLast(8) == expected + [0xA1, 0x06])
    }
}
