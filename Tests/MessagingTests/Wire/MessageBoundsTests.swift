import Common
import Coordination
import Messaging
import Testing

/// The bounds of messages: the last value within passes, the first one beyond is refused with its reason.
@Suite struct MessageBoundsTests {
    /// A field's number in `Frame`, which is also what reasons tell as the kind.
    private enum Kind: Int {
        case hello = 10
        case heartbeat, contribution, leaving, failed, slice, sum
        case welcome = 20
        case refused, alive, rejoin, weights, assignment, release, weightsSlice
    }

    private static func decoded<Message: WireDecodable>(_ kind: Kind, _ body: WireBytes) throws -> Message {
        try decode(WireBytes.header().message(kind.rawValue, body).bytes).message
    }

    private static func fromWorker(_ kind: Kind, _ body: WireBytes) throws -> WorkerMessage { try decoded(kind, body) }

    private static func fromCoordinator(_ kind: Kind, _ body: WireBytes) throws -> CoordinatorMessage {
        try decoded(kind, body)
    }

    private static func expectRefused<Message>(
        _ reason: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ message: @autoclosure () throws -> Message
    ) {
        let error = #expect(throws: WireError.self, sourceLocation: sourceLocation) { try message() }
        #expect(error?.reason == reason, sourceLocation: sourceLocation)
    }

    private static let longest = String(repeating: "x", count: 256)
    private static let tooLong = longest + "x"
    private static let beyond: UInt64 = 1 << 48

    // MARK: Kinds

    @Test func messagesOfTheOtherSideAreRefused() {
        for kind in 10...16 {
            let header = WireBytes.header().message(kind, WireBytes()).bytes
            Self.expectRefused(
                "no message from a coordinator (kind \(kind))", try decode(header, as: CoordinatorMessage.self))
        }
        for kind in 20...28 {
            let header = WireBytes.header().message(kind, WireBytes()).bytes
            Self.expectRefused("no message from a worker (kind \(kind))", try decode(header, as: WorkerMessage.self))
        }
    }

    @Test func aMissingOrUnknownBodyIsRefused() {
        for header in [WireBytes.header(), .header().message(29, WireBytes()), .header().message(999, WireBytes())] {
            Self.expectRefused("no message from a worker (kind 0)", try decode(header.bytes, as: WorkerMessage.self))
            Self.expectRefused(
                "no message from a coordinator (kind 0)", try decode(header.bytes, as: CoordinatorMessage.self))
        }
    }

    /// Protobuf leaves out what is zero, so an empty body stands for one of zeros, where zeros are a message.
    @Test func emptyBodies() throws {
        #expect(
            try Self.fromWorker(.hello, WireBytes())
                == .hello(Hello(version: "", host: "", processID: 0, instructionSet: "", matrixLibrary: "")))
        #expect(
            try Self.fromWorker(.heartbeat, WireBytes())
                == .heartbeat(Heartbeat(phase: .loading, blocks: 0, weights: nil, holding: [])))
        #expect(try Self.fromWorker(.leaving, WireBytes()) == .leaving(reason: ""))
        #expect(
            try Self.fromCoordinator(.weights, WireBytes())
                == .weights(WeightsVersion(0), Digest(rawValue: 0), passedOn: false))
        #expect(try Self.fromCoordinator(.weightsSlice, WireBytes()) == .weightsSlice(WeightsVersion(0), index: 0))
        Self.expectRefused("a message without its body", try Self.fromWorker(.contribution, WireBytes()))
        Self.expectRefused("no tree node [0, 0)", try Self.fromWorker(.slice, WireBytes()))
        Self.expectRefused("an assignment of 0 shards", try Self.fromCoordinator(.assignment, WireBytes()))
    }

    /// A group of one has nobody to sum with.
    @Test func groupsHaveTwoMembersOrMore() throws {
        let member = WireBytes().fixed(1, 1)
        let alone = WireBytes().message(2, .work()).packed(5, [1]).message(8, member)
        Self.expectRefused("a group of 1 workers", try Self.fromCoordinator(.assignment, alone))
        _ = try Self.fromCoordinator(.assignment, alone.message(8, member))
        let long = WireBytes().text(2, Self.tooLong)
        Self.expectRefused(
            "a text of 257 bytes", try Self.fromCoordinator(.assignment, alone.message(8, long)))
    }

    @Test func sumsHaveBounds() throws {
        let part = WireBytes().number(2, 1)
        _ = try Self.fromWorker(.sum, (0..<4096).reduce(WireBytes()) { bytes, _ in bytes.message(3, part) })
        Self.expectRefused(
            "a sum of 4097 parts",
            try Self.fromWorker(.sum, (0...4096).reduce(WireBytes()) { bytes, _ in bytes.message(3, part) }))
        Self.expectRefused("no tree node [0, 0)", try Self.fromWorker(.sum, WireBytes().message(3, WireBytes())))
        Self.expectRefused(
            "the number \(Self.beyond) is out of range", try Self.fromWorker(.sum, WireBytes().number(1, Self.beyond)))
    }

    @Test func onlyWorkersSpeakToWorkers() throws {
        for kind in [10, 16, 20, 24] {
            let header = WireBytes.header().message(kind, WireBytes()).bytes
            Self.expectRefused(
                "no message from a worker to another (kind \(kind))", try decode(header, as: PeerMessage.self))
        }
    }

    @Test func ofTwoBodiesTheLastCounts() throws {
        let two = WireBytes.header().message(22, WireBytes()).message(24, WireBytes().number(1, 5))
        #expect(
            try decode(two.bytes, as: CoordinatorMessage.self).message
                == .weights(WeightsVersion(5), Digest(rawValue: 0), passedOn: false))
        #expect(try decode(two.message(22, WireBytes()).bytes, as: CoordinatorMessage.self).message == .alive)
    }

    // MARK: Texts

    @Test func textsThatDecideAreRefusedWhenTooLong() throws {
        for field in [1, 2, 4, 5] {
            _ = try Self.fromWorker(.hello, WireBytes().text(field, Self.longest))
            Self.expectRefused(
                "a text of 257 bytes", try Self.fromWorker(.hello, WireBytes().text(field, Self.tooLong)))
        }
        let welcome = WireBytes().number(2, 1000).number(4, 1)
        _ = try Self.fromCoordinator(.welcome, welcome.text(1, Self.longest))
        Self.expectRefused("a text of 257 bytes", try Self.fromCoordinator(.welcome, welcome.text(1, Self.tooLong)))
    }

    /// Whatever they are made of: a single character may have any number of bytes.
    @Test(arguments: ["x", "漢", "e\u{301}", "\u{301}", "👩‍👩‍👧‍👦", "\u{0}"]) func reasonsAreCut(repeated: String) throws {
        let reason = "a" + String(repeating: repeated, count: 20_000)
        let body = WireBytes().text(1, reason)
        func check(_ told: String) {
            #expect(told.utf8.count <= 4096)
            #expect(repeated == "\u{0}" ? told == "a" : reason.unicodeScalars.starts(with: told.unicodeScalars))
            #expect(repeated == "\u{0}" || told.utf8.count > 256)
        }
        guard case .leaving(let leaving) = try Self.fromWorker(.leaving, body),
            case .failed(let failed) = try Self.fromWorker(.failed, body),
            case .refused(let refused, retry: false) = try Self.fromCoordinator(.refused, body),
            case .rejoin(let rejoin) = try Self.fromCoordinator(.rejoin, body),
            case .release(let release) = try Self.fromCoordinator(.release, body)
        else {
            Issue.record("a message became another")
            return
        }
        for told in [leaving, failed, refused, rejoin, release] { check(told) }
    }

    @Test func reasonsThatFitAreKept() throws {
        let reason = String(repeating: "é", count: 500)
        #expect(try Self.fromWorker(.failed, WireBytes().text(1, reason)) == .failed(reason: reason))
    }

    // MARK: Numbers

    @Test func indicesEndAt48Bits() throws {
        let body = { (value: UInt64) in WireBytes().number(4, 1).number(5, value) }
        #expect(
            try Self.fromWorker(.heartbeat, body(Self.beyond - 1))
                == .heartbeat(
                    Heartbeat(phase: .loading, blocks: 0, weights: WeightsVersion(1 << 48 - 1), holding: [])))
        for value in [Self.beyond, 1 << 63, .max] {
            let told = "the number \(value) is out of range"
            let node = WireBytes().number(6, 1)
            let welcome = WireBytes().number(4, 1)
            let shards = WireBytes().packed(5, [0])
            Self.expectRefused(told, try Self.fromWorker(.heartbeat, body(value)))
            Self.expectRefused(
                told, try Self.fromWorker(.contribution, node.message(2, .work()).number(3, value)))
            for kind in [1, 2] as [UInt64] {
                Self.expectRefused(
                    told, try Self.fromWorker(.contribution, node.message(2, .work(kind: kind, index: value))))
            }
            Self.expectRefused(told, try Self.fromCoordinator(.welcome, welcome.number(2, value)))
            Self.expectRefused(told, try Self.fromCoordinator(.welcome, welcome.number(2, 1000).number(3, value)))
            Self.expectRefused(told, try Self.fromCoordinator(.weights, WireBytes().number(1, value)))
            Self.expectRefused(
                told, try Self.fromCoordinator(.assignment, shards.message(2, .work()).number(3, value)))
        }
    }

    @Test(arguments: [0, 3, 1 << 31, UInt64.max]) func unknownKindsOfWork(kind: UInt64) {
        let told = "unknown kind of work \(UInt32(truncatingIfNeeded: kind))"
        let work = WireBytes().message(2, .work(kind: kind))
        Self.expectRefused(told, try Self.fromWorker(.contribution, work.number(6, 1)))
        Self.expectRefused(told, try Self.fromCoordinator(.assignment, work.packed(5, [0])))
    }

    @Test func workMustBeNamed() {
        let told = "a message without its body"
        Self.expectRefused(told, try Self.fromWorker(.contribution, WireBytes().number(6, 1)))
        Self.expectRefused(told, try Self.fromCoordinator(.assignment, WireBytes().packed(5, [0])))
    }

    @Test func treeNodes() throws {
        func contribution(_ lower: UInt64, _ upper: UInt64) throws -> WorkerMessage {
            try Self.fromWorker(
                .contribution, WireBytes().message(2, .work()).number(5, lower).number(6, upper))
        }
        guard case .contribution(let largest) = try contribution(0, 1 << 20) else { return }
        #expect(largest.node == TreeNode(0, 1 << 20))
        for (lower, upper) in [(0, 0), (5, 5), (6, 5), (0, 1 << 20 + 1), (0, 1 << 32 - 1)] as [(UInt64, UInt64)] {
            Self.expectRefused("no tree node [\(lower), \(upper))", try contribution(lower, upper))
            Self.expectRefused(
                "no tree node [\(lower), \(upper))",
                try Self.fromWorker(.slice, WireBytes().number(2, lower).number(3, upper)))
        }
    }

    @Test func assignmentsHold65536ShardsAtMost() throws {
        func assignment(_ count: Int) throws -> CoordinatorMessage {
            try Self.fromCoordinator(
                .assignment, WireBytes().message(2, .work()).packed(5, (0..<count).map { UInt64($0) }))
        }
        guard case .assign(let largest) = try assignment(65536) else { return }
        #expect(largest.shards.count == 65536 && largest.shards.last == ShardID(65535))
        Self.expectRefused("an assignment of 65537 shards", try assignment(65537))
    }

    @Test func heartbeatsHold4096AssignmentsAtMost() throws {
        func heartbeat(_ count: Int) throws -> WorkerMessage {
            try Self.fromWorker(.heartbeat, WireBytes().packed(6, (0..<count).map { UInt64($0) }))
        }
        guard case .heartbeat(let largest) = try heartbeat(4096) else { return }
        #expect(largest.holding == (0..<4096).map { UInt64($0) })
        Self.expectRefused("4097 assignments held", try heartbeat(4097))
    }

    @Test func aWelcomeNeedsIntervalAndShards() throws {
        let told = "a welcome without heartbeat interval or shards"
        Self.expectRefused(told, try Self.fromCoordinator(.welcome, WireBytes().number(2, 1)))
        Self.expectRefused(told, try Self.fromCoordinator(.welcome, WireBytes().number(4, 1)))
        #expect(
            try Self.fromCoordinator(.welcome, WireBytes().number(2, 1000).number(4, 1))
                == .welcome(
                    Welcome(
                        instructionSet: "", heartbeatInterval: .microseconds(1000), orphanTimeout: .zero, shards: 1)))
    }

    /// Far beyond any machine, and far below where arithmetic would overflow.
    @Test func measurementsHaveLimits() throws {
        func heartbeat(_ telemetry: WireBytes) throws -> WorkerMessage {
            try Self.fromWorker(.heartbeat, WireBytes().message(7, telemetry))
        }
        func test(_ test: WireBytes) throws -> WorkerMessage {
            try Self.fromWorker(.heartbeat, WireBytes().message(8, test))
        }
        let limits: [(field: Int, limit: Double)] = [
            (2, 65536), (3, 65536), (7, 1000), (8, 1e18), (12, 1e9),
        ]
        for (field, limit) in limits {
            _ = try heartbeat(WireBytes().fixed(field, limit.bitPattern))
            for value in [limit.nextUp, 1e300, .infinity, -1, .nan] {
                Self.expectRefused(
                    "a measurement of \(value)", try heartbeat(WireBytes().fixed(field, value.bitPattern)))
            }
        }
        for field in 1...4 {
            Self.expectRefused("a measurement of 1e+300", try test(WireBytes().fixed(field, (1e300).bitPattern)))
        }
        for (field, limit) in [(1, 1 << 16), (4, 1 << 60), (5, 1 << 60), (9, 1 << 60), (11, 1 << 48)] as [(Int, UInt64)]
        {
            _ = try heartbeat(WireBytes().number(field, limit))
            Self.expectRefused(
                "the number \(limit + 1) is out of range", try heartbeat(WireBytes().number(field, limit + 1)))
        }
        // As large as a number can be while joining, which overflowed where it was shown.
        Self.expectRefused(
            "the number \(UInt64.max) is out of range", try Self.fromWorker(.heartbeat, WireBytes().number(30, .max)))
        Self.expectRefused(
            "the number 8 is out of range", try Self.fromWorker(.heartbeat, WireBytes().number(30, 7).number(31, 8)))
    }

    @Test func anOddReadingCostsAFigureAndNotTheHeartbeat() throws {
        var telemetry = WorkerTelemetry()
        (telemetry.cores, telemetry.memoryBytes, telemetry.errors) = (.max, .max, .max)
        (telemetry.cpu, telemetry.diskWait, telemetry.roundTrip) = (1e300, -1, .nan)
        let heartbeat = Heartbeat(phase: .loading, blocks: 0, weights: nil, holding: [], telemetry: telemetry)
        let packet = Packet(WorkerMessage.heartbeat(heartbeat), header: .example)
        guard case .heartbeat(let arrived) = try decode(packet.encodedHeader(), as: WorkerMessage.self).message else {
            return
        }
        #expect(arrived.telemetry?.cores == 65536 && arrived.telemetry?.memoryBytes == 1 << 60)
        #expect(
            arrived.telemetry?.cpu == 65536 && arrived.telemetry?.diskWait == 0 && arrived.telemetry?.roundTrip == 0)
    }

    @Test func epochsAndNumbersHaveLimits() throws {
        for epoch in [1 << 48 + 1, .max] as [UInt64] {
            Self.expectRefused(
                "the number \(epoch) is out of range",
                try decode(WireBytes.header(epoch: epoch).message(22, WireBytes()).bytes, as: CoordinatorMessage.self))
        }
        Self.expectRefused(
            "the number \(Self.beyond) is out of range",
            try Self.fromWorker(.heartbeat, WireBytes().number(3, Self.beyond)))
        Self.expectRefused(
            "the number \(Self.beyond) is out of range",
            try Self.fromWorker(.heartbeat, WireBytes().packed(6, [1, Self.beyond])))
    }

    @Test func losses() throws {
        let body = WireBytes().message(2, .work()).number(6, 1)
        for loss in [1e100, -1e100, .nan, .infinity, 0] {
            _ = try Self.fromWorker(.contribution, body.fixed(8, loss.bitPattern))
        }
        Self.expectRefused("a loss of 1e+101", try Self.fromWorker(.contribution, body.fixed(8, (1e101).bitPattern)))
    }

    @Test func shardsOfAnAssignmentAscend() throws {
        let work = WireBytes().message(2, .work())
        for shards in [[1, 1], [2, 1]] as [[UInt64]] {
            Self.expectRefused(
                "an assignment of shards that do not ascend",
                try Self.fromCoordinator(.assignment, work.packed(5, shards)))
        }
        Self.expectRefused(
            "the number 1048576 is out of range", try Self.fromCoordinator(.assignment, work.packed(5, [1 << 20])))
    }
}
