import Common
import Coordination
import Messaging

/// The kinds of messages from a worker. A new message does not compile here before it has a random example.
enum WorkerKind: CaseIterable {
    case hello, heartbeat, slice, contribution, sum, leaving, failed, listFiles, fetch

    init(_ message: WorkerMessage) {
        switch message {
        case .hello: self = .hello
        case .heartbeat: self = .heartbeat
        case .slice: self = .slice
        case .contribution: self = .contribution
        case .sum: self = .sum
        case .leaving: self = .leaving
        case .failed: self = .failed
        case .listFiles: self = .listFiles
        case .fetch: self = .fetch
        }
    }
}

/// The kinds of messages from the coordinator.
enum CoordinatorKind: CaseIterable {
    case welcome, refused, alive, rejoin, weightsSlice, weightsPiece, weights, assign, release, files, chunk, noFiles

    init(_ message: CoordinatorMessage) {
        switch message {
        case .welcome: self = .welcome
        case .refused: self = .refused
        case .alive: self = .alive
        case .rejoin: self = .rejoin
        case .weightsSlice: self = .weightsSlice
        case .weightsPiece: self = .weightsPiece
        case .weights: self = .weights
        case .assign: self = .assign
        case .release: self = .release
        case .files: self = .files
        case .chunk: self = .chunk
        case .noFiles: self = .noFiles
        }
    }
}

/// The kinds of messages from one worker to another.
enum PeerKind: CaseIterable {
    case part, weightsPiece

    init(_ message: PeerMessage) {
        switch message {
        case .part: self = .part
        case .weightsPiece: self = .weightsPiece
        }
    }
}

// Every field takes every value that may travel.

extension Draw {
    mutating func message(_ kind: WorkerKind) -> WorkerMessage {
        switch kind {
        case .hello:
            .hello(
                Hello(
                    version: text(), host: text(), processID: Int32(truncatingIfNeeded: next()),
                    instructionSet: text(), matrixLibrary: text()))
        case .heartbeat:
            .heartbeat(
                Heartbeat(
                    phase: bool() ? .ready(probe: digest()) : .loading, blocks: number(bits: 48),
                    weights: bool() ? version() : nil, holding: (0..<below(6)).map { _ in number(bits: 48) },
                    telemetry: bool() ? telemetry() : nil, selfTest: bool() ? selfTest() : nil,
                    staging: bool() ? staging() : nil,
                    peerAddress: text()))
        case .slice:
            .slice(ContributionSlice(assignment: number(bits: 48), node: node(), index: Int(number(bits: 32))))
        case .contribution:
            .contribution(
                Contribution(
                    assignment: number(bits: 48), work: work(), weights: version(), selection: digest(), node: node(),
                    digest: digest(), pieces: (0..<below(6)).map { _ in digest() }, loss: loss()))
        case .sum:
            .sum(
                PieceSum(
                    step: StepIndex(Int(number(bits: 48))), index: Int(number(bits: 32)),
                    parts: Dictionary((0..<below(6)).map { _ in (node(), digest()) }) { first, _ in first },
                    digest: digest()))
        case .leaving: .leaving(reason: reason())
        case .failed: .failed(reason: reason())
        case .listFiles: .listFiles
        case .fetch: .fetch(chunk())
        }
    }

    mutating func message(_ kind: CoordinatorKind) -> CoordinatorMessage {
        switch kind {
        case .welcome:
            .welcome(
                Welcome(
                    instructionSet: text(), heartbeatInterval: .microseconds(max(1000, Int(number(bits: 48)))),
                    orphanTimeout: .microseconds(Int(number(bits: 48))), shards: max(1, Int(number(bits: 20)))))
        case .refused: .refused(reason: reason(), retry: bool())
        case .alive: .alive
        case .rejoin: .rejoin(reason: reason())
        case .weightsSlice: .weightsSlice(version(), index: Int(number(bits: 32)))
        case .weightsPiece: .weightsPiece(version(), index: Int(number(bits: 32)))
        case .weights: .weights(version(), digest(), passedOn: bool())
        case .assign:
            .assign(
                Assignment(
                    number: number(bits: 48), work: work(), weights: version(), selection: digest(),
                    shards: Set((0...below(9)).map { _ in ShardID(Int(number(bits: 20))) }).sorted(),
                    featureSums: bool(),
                    eachShard: bool(), group: bool() ? group() : nil))
        case .release: .release(reason: reason())
        case .files: .files(chunkBytes: max(1, Int(number(bits: 30))))
        case .chunk: .chunk(chunk())
        case .noFiles: .noFiles(reason: reason())
        }
    }

    mutating func message(_ kind: PeerKind) -> PeerMessage {
        switch kind {
        case .part:
            .part(GradientPart(step: StepIndex(Int(number(bits: 48))), node: node(), index: Int(number(bits: 32))))
        case .weightsPiece: .weightsPiece(version(), index: Int(number(bits: 32)))
        }
    }

    mutating func header() -> Header {
        Header(
            protocolVersion: UInt32(number(bits: 32)), runID: bool() ? RunID(high: next(), low: number()) : nil,
            epoch: Epoch(rawValue: number(bits: 48)), worker: name(), incarnation: Incarnation(rawValue: number()))
    }

    /// Of any type and rank, with few values, and none now and then.
    mutating func tensor() -> TensorFrame {
        let type = WireType(rawValue: UInt32(1 + below(6)))!
        let shape = (0..<below(5)).map { _ in below(4) }
        let block = Block((0..<shape.reduce(type.byteCount, *)).map { _ in byte() })
        return TensorFrame(name: text(), type: type, shape: shape, bytes: block.bytes, owner: block)
    }

    mutating func packet<Message>(_ message: Message) -> Packet<Message> {
        let header = header()
        return Packet(message, header: header, tensors: (0..<(below(8) == 0 ? 16 : below(4))).map { _ in tensor() })
    }

    private mutating func telemetry() -> WorkerTelemetry {
        var telemetry = WorkerTelemetry()
        telemetry.cores = UInt32(number(bits: 16))
        telemetry.cpu = figure(upTo: Double(MeasurementLimit.cores))
        telemetry.busyCPU = figure(upTo: Double(MeasurementLimit.cores))
        telemetry.diskWait = figure(upTo: MeasurementLimit.share)
        (telemetry.memoryBytes, telemetry.memoryPrivateBytes) = (number(bits: 60), number(bits: 60))
        (telemetry.diskFreeBytes, telemetry.errors) = (number(bits: 60), number(bits: 48))
        (telemetry.bytesSent, telemetry.bytesReceived) = (number(bits: 60), number(bits: 60))
        telemetry.samplesPerSecond = figure(upTo: MeasurementLimit.rate)
        telemetry.roundTrip = figure(upTo: MeasurementLimit.seconds)
        for phase in [
            \WorkerTelemetry.Phases.gather, \.compute, \.send, \.wait, \.step,
        ] {
            telemetry.phases[keyPath: phase] = .init(
                p50: figure(upTo: MeasurementLimit.seconds), p95: figure(upTo: MeasurementLimit.seconds))
        }
        return telemetry
    }

    private mutating func selfTest() -> SelfTest {
        var test = SelfTest()
        test.matrixFlopsPerSecond = figure(upTo: MeasurementLimit.rate)
        test.memoryBytesPerSecond = figure(upTo: MeasurementLimit.rate)
        test.diskBytesPerSecond = figure(upTo: MeasurementLimit.rate)
        test.roundTrip = figure(upTo: MeasurementLimit.seconds)
        return test
    }

    /// A measured value, now and then the largest one.
    private mutating func figure(upTo limit: Double) -> Double {
        below(8) == 0 ? limit : limit * Double(number(bits: 48)) / Double(1 << 48)
    }

    private mutating func staging() -> StagingProgress {
        let (one, other) = (number(bits: 60), max(1, number(bits: 60)))
        return StagingProgress(doneBytes: min(one, other), totalBytes: max(one, other))
    }

    /// For people, and of any characters.
    private mutating func reason() -> String { below(4) == 0 ? "a\n\u{1B}[2J" : text() }

    private mutating func group() -> ReductionGroup {
        ReductionGroup(
            members: (0..<2 + below(4)).map { _ in
                ReductionGroup.Member(life: Incarnation(rawValue: number()), address: text())
            })
    }

    private mutating func digest() -> Digest { Digest(rawValue: number()) }
    private mutating func version() -> WeightsVersion { WeightsVersion(Int(number(bits: 48))) }

    private mutating func chunk() -> ChunkID {
        ChunkID(file: Int(number(bits: 32)), chunk: Int(number(bits: 32)))
    }

    private mutating func work() -> Work {
        let index = Int(number(bits: 48))
        return bool() ? .validate(RoundIndex(index)) : .train(StepIndex(index))
    }

    private mutating func node() -> TreeNode {
        let upper = 1 + below(1 << 20)
        return TreeNode(below(upper), upper)
    }

    /// What is no number, and any number that a loss may be.
    private mutating func loss() -> Double {
        let value = Double(bitPattern: number())
        return value.isFinite && value.magnitude > 1e100 ? 0.5 : value
    }
}
