import Common
import Coordination
import Messaging
import Testing

/// A message that was damaged on its way is dropped as that, and becomes no other message.
@Suite struct SealTests {
    private static let limits = WireLimits(tensorBytes: 4096)

    private static func rejection<Message: WireDecodable>(
        _ header: [UInt8], _ frames: [Frame] = [], as type: Message.Type
    ) -> Rejection? {
        do {
            _ = try header.withUnsafeBytes { try Packet<Message>(decoding: $0, frames: frames, limits: limits) }
            return nil
        } catch {
            return (error as? WireError)?.rejection
        }
    }

    @Test func noFlippedBitOfAHeaderPasses() {
        var draw = Draw(seed: 3)
        for kind in WorkerKind.allCases {
            let header = draw.packet(draw.message(kind)).encodedHeader()
            for bit in 0..<header.count * 8 {
                var damaged = header
                damaged[bit / 8] ^= 1 << (bit % 8)
                #expect(Self.rejection(damaged, as: WorkerMessage.self) != nil, "\(kind), bit \(bit)")
            }
        }
    }

    /// A contribution that names another node would be one that nobody computed.
    @Test func aDamagedContributionIsDroppedAsThat() {
        let contribution = Contribution(
            assignment: 5, work: .train(StepIndex(7)), weights: WeightsVersion(7), selection: Digest(rawValue: 1),
            node: TreeNode(4, 6), digest: Digest(rawValue: 2), loss: 0.5)
        var header = Packet(WorkerMessage.contribution(contribution), header: .to(.first)).encodedHeader()
        #expect(Self.rejection(header, as: WorkerMessage.self) == nil)
        header[header.count / 2] ^= 4
        #expect(Self.rejection(header, as: WorkerMessage.self) == .damaged)
    }

    /// Pairs, job and file list are covered by nothing else.
    @Test func tensorsOfAnAssignmentHaveDigests() throws {
        let assignment = Assignment(
            number: 1, work: .train(StepIndex(0)), weights: WeightsVersion(0), selection: Digest(rawValue: 1),
            shards: [ShardID(0)])
        let pairs = TensorFrame("pairs", Array(1...64))
        let packet = Packet(CoordinatorMessage.assign(assignment), header: .to(.first), tensors: [pairs])
        #expect(Self.rejection(packet.encodedHeader(), packet.frames, as: CoordinatorMessage.self) == nil)
        var content = pairs.content
        content[9] ^= 1
        let damaged = TensorFrame("pairs", content)
        #expect(
            Self.rejection(
                packet.encodedHeader(), [(damaged.bytes, damaged.owner)], as: CoordinatorMessage.self) == .damaged)
    }

    /// The first version had no digests. What says that versions differ is read all the same, and nothing else.
    @Test func versionOneIsHeardSayingHello() throws {
        let hello = WireBytes.header(version: 1).message(10, WireBytes().text(1, "0.1")).bytes
        #expect(Self.rejection(hello, as: WorkerMessage.self) == nil)
        let refused = WireBytes.header(version: 1).message(21, WireBytes().text(1, "why")).bytes
        #expect(Self.rejection(refused, as: CoordinatorMessage.self) == nil)
        let heartbeat = WireBytes.header(version: 1).message(11, WireBytes()).bytes
        #expect(Self.rejection(heartbeat, as: WorkerMessage.self) == .damaged)
        let later = WireBytes.header(version: 3).message(10, WireBytes().text(1, "0.1")).bytes
        #expect(Self.rejection(later, as: WorkerMessage.self) == .damaged)
        #expect(Self.rejection(MessageSeal.sealed(later), as: WorkerMessage.self) == nil)
    }

    // MARK: Names

    @Test(arguments: [
        "gpu1/\u{1B}[2J", "a\nb", "a b", "-x", ".x", "é", "a\u{202E}b", String(repeating: "x", count: 201),
    ])
    func aNameThatIsNoneIsRefused(name: String) {
        let hello = WireBytes.header(worker: name).message(10, WireBytes()).bytes
        #expect(Self.rejection(MessageSeal.sealed(hello), as: WorkerMessage.self) == .malformed)
        #expect(!WorkerName.isValid(name))
    }

    @Test(arguments: ["gpu1/0", "node-1.example:2", "user@host_2+x", "_", "7"]) func usualNamesAreNames(name: String) {
        #expect(WorkerName.isValid(name))
    }

    @Test func everyMachineHasAName() {
        for host in ["", "-x", "büro pc", "node1", "\u{1B}[2J", String(repeating: "é", count: 500)] {
            #expect(WorkerName.isValid(WorkerName.nearest(to: host)))
        }
        #expect(WorkerName.nearest(to: "node1.example") == "node1.example")
    }

    @Test func aHelloNeedsAName() {
        let hello = WireBytes.header(worker: "").message(10, WireBytes()).bytes
        #expect(Self.rejection(MessageSeal.sealed(hello), as: WorkerMessage.self) == .malformed)
    }

    @Test(arguments: [1, 2, 4, 5]) func textsOfAHelloShowAsTheyAre(field: Int) {
        let hello = WireBytes.header().message(10, WireBytes().text(field, "x\u{1B}]0;y\u{7}")).bytes
        #expect(Self.rejection(MessageSeal.sealed(hello), as: WorkerMessage.self) == .malformed)
    }
}
