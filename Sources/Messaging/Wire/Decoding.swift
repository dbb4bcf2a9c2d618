import CProtocol
import Common
import Coordination

// Header frames to messages. Whatever arrives, the result is a checked message or a ``WireError``; nothing traps.

/// A message that can be taken off the wire.
public protocol WireDecodable: Sendable {
    /// The body of a header frame.
    init(_ reader: FrameReader) throws
}

/// A header frame that has been unpacked, for as long as a message is made of it.
public struct FrameReader {
    let frame: Selmix__Wire__Frame
    let limits: WireLimits
}

/// The description of a tensor frame that follows a header.
struct TensorDescription {
    let name: String
    let type: WireType
    let shape: [Int]
    let byteCount: Int
    /// Of its bytes; 0 where something else covers them.
    let digest: UInt64
}

extension Packet where Message: WireDecodable {
    /// - Parameters:
    ///   - bytes: the header frame.
    ///   - frames: the tensor frames that came with it, each with the object that keeps it.
    public init(
        decoding bytes: UnsafeRawBufferPointer, frames: [(bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable)],
        limits: WireLimits
    ) throws {
        guard bytes.count <= limits.headerBytes else { throw WireError("a header of \(bytes.count) bytes") }
        let seal = MessageSeal.state(of: bytes)
        guard seal != .damaged else { throw WireError("a message that does not have its digest", as: .damaged) }
        guard
            let unpacked = selmix__wire__frame__unpack(
                nil, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        else { throw WireError("not a message of this protocol") }
        defer { selmix__wire__frame__free_unpacked(unpacked, nil) }
        let frame = unpacked.pointee
        guard seal == .whole || frame.bringsNewsOfVersion1 else {
            throw WireError("a message without a digest", as: .damaged)
        }

        header = try Header(frame, limits)
        let descriptions = try Self.descriptions(frame, limits)
        guard descriptions.count == frames.count else {
            throw WireError("\(frames.count) tensor frames where \(descriptions.count) are announced")
        }
        tensors = try zip(descriptions, frames).map { description, frame in
            guard frame.bytes.count == description.byteCount else {
                throw WireError(
                    "tensor \(description.name) has \(frame.bytes.count) bytes instead of \(description.byteCount)")
            }
            guard description.digest == 0 || description.digest == MessageSeal.hash(frame.bytes) else {
                throw WireError("tensor \(description.name) does not have its digest", as: .damaged)
            }
            return TensorFrame(
                name: description.name, type: description.type, shape: description.shape, bytes: frame.bytes,
                owner: frame.owner)
        }
        message = try Message(FrameReader(frame: frame, limits: limits))
    }

    private static func descriptions(
        _ frame: Selmix__Wire__Frame, _ limits: WireLimits
    ) throws -> [TensorDescription] {
        guard frame.n_tensors <= limits.tensors else { throw WireError("\(frame.n_tensors) tensors in one message") }
        return try (0..<frame.n_tensors).map { index in
            guard let tensor = frame.tensors?[index]?.pointee else { throw WireError("a tensor without description") }
            let name = try text(tensor.name, limits)
            guard let type = WireType(rawValue: tensor.data_type.rawValue) else {
                throw WireError("tensor \(name) has the unknown type \(tensor.data_type.rawValue)")
            }
            guard tensor.n_shape <= limits.rank else { throw WireError("tensor \(name) has rank \(tensor.n_shape)") }
            var shape: [Int] = []
            // As if no size were zero, so that sizes may be multiplied in any order.
            var extent = type.byteCount
            for axis in 0..<tensor.n_shape {
                guard let size = Int(exactly: tensor.shape[axis]) else {
                    throw WireError("tensor \(name) is too large")
                }
                let (product, overflow) = extent.multipliedReportingOverflow(by: max(1, size))
                guard !overflow, product <= limits.tensorBytes else { throw WireError("tensor \(name) is too large") }
                shape.append(size)
                extent = product
            }
            let byteCount = shape.contains(0) ? 0 : extent
            return TensorDescription(
                name: name, type: type, shape: shape, byteCount: byteCount, digest: tensor.digest)
        }
    }
}

extension Header {
    fileprivate init(_ frame: Selmix__Wire__Frame, _ limits: WireLimits) throws {
        var runID: RunID?
        if frame.run_id.len > 0 {
            guard frame.run_id.len == 16, let data = frame.run_id.data else {
                throw WireError("a run id of \(frame.run_id.len) bytes")
            }
            let bytes = UnsafeRawPointer(data)
            runID = RunID(
                high: UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
        self.init(
            protocolVersion: frame.protocol_version, runID: runID,
            epoch: Epoch(rawValue: try number(frame.epoch, upTo: Epoch.largest.rawValue)),
            worker: try workerName(frame.worker, limits), incarnation: Incarnation(rawValue: frame.incarnation))
    }
}

extension WorkerMessage: WireDecodable {
    public init(_ reader: FrameReader) throws {
        let (frame, limits) = (reader.frame, reader.limits)
        switch frame.body_case {
        case SELMIX__WIRE__FRAME__BODY_HELLO:
            let hello = try present(frame.hello)
            guard frame.worker.map({ $0.pointee != 0 }) == true else { throw WireError("a worker without a name") }
            self = .hello(
                Hello(
                    version: try text(hello.version, limits), host: try text(hello.host, limits),
                    processID: hello.process_id, instructionSet: try text(hello.instruction_set, limits),
                    matrixLibrary: try text(hello.matrix_library, limits)))
        case SELMIX__WIRE__FRAME__BODY_HEARTBEAT:
            let heartbeat = try present(frame.heartbeat)
            guard heartbeat.n_holding <= 4096 else { throw WireError("\(heartbeat.n_holding) assignments held") }
            self = .heartbeat(
                Heartbeat(
                    phase: heartbeat.ready != 0 ? .ready(probe: Digest(rawValue: heartbeat.probe)) : .loading,
                    blocks: try number(heartbeat.blocks),
                    weights: heartbeat.has_weights != 0 ? WeightsVersion(try int(heartbeat.weights_version)) : nil,
                    holding: try UnsafeBufferPointer(start: heartbeat.holding, count: heartbeat.n_holding).map {
                        try number($0)
                    },
                    telemetry: try heartbeat.telemetry.map { try WorkerTelemetry($0.pointee) },
                    selfTest: try heartbeat.self_test.map { try SelfTest($0.pointee) },
                    staging: try StagingProgress(heartbeat),
                    peerAddress: try text(heartbeat.peer_address, limits)))
        case SELMIX__WIRE__FRAME__BODY_CONTRIBUTION:
            let contribution = try present(frame.contribution)
            guard contribution.n_pieces <= mostPieces else {
                throw WireError("a contribution of \(contribution.n_pieces) pieces")
            }
            let pieces = UnsafeBufferPointer(start: contribution.pieces, count: contribution.n_pieces)
            self = .contribution(
                Contribution(
                    assignment: try number(contribution.assignment), work: try Work(try present(contribution.work)),
                    weights: WeightsVersion(try int(contribution.weights_version)),
                    selection: Digest(rawValue: contribution.selection),
                    node: try node(contribution.node_lower, contribution.node_upper),
                    digest: Digest(rawValue: contribution.digest), pieces: pieces.map { Digest(rawValue: $0) },
                    loss: try loss(contribution.loss)))
        case SELMIX__WIRE__FRAME__BODY_SUM:
            let sum = try present(frame.sum)
            guard sum.n_parts <= mostParts else { throw WireError("a sum of \(sum.n_parts) parts") }
            var parts: [TreeNode: Digest] = [:]
            for index in 0..<sum.n_parts {
                let part = try present(sum.parts[index])
                parts[try node(part.node_lower, part.node_upper)] = Digest(rawValue: part.digest)
            }
            self = .sum(
                PieceSum(
                    step: StepIndex(try int(sum.step)), index: Int(sum.index), parts: parts,
                    digest: Digest(rawValue: sum.digest)))
        case SELMIX__WIRE__FRAME__BODY_SLICE:
            let slice = try present(frame.slice)
            self = .slice(
                ContributionSlice(
                    assignment: try number(slice.assignment), node: try node(slice.node_lower, slice.node_upper),
                    index: Int(slice.index)))
        case SELMIX__WIRE__FRAME__BODY_LEAVING:
            self = .leaving(reason: try reason(present(frame.leaving).reason, limits))
        case SELMIX__WIRE__FRAME__BODY_FAILED:
            self = .failed(reason: try reason(present(frame.failed).reason, limits))
        case SELMIX__WIRE__FRAME__BODY_LIST_FILES:
            self = .listFiles
        case SELMIX__WIRE__FRAME__BODY_FETCH_CHUNK:
            let fetch = try present(frame.fetch_chunk)
            self = .fetch(ChunkID(file: Int(fetch.file), chunk: Int(fetch.chunk)))
        default:
            throw WireError(
                "no message from a worker (kind \(frame.body_case.rawValue))",
                as: frame.isFromCoordinator ? .wrongRole : .malformed)
        }
    }
}

extension Selmix__Wire__Frame {
    /// Version 1 had no digests. Its `hello` and `refused` are read all the same, so that each side learns what is wrong.
    fileprivate var bringsNewsOfVersion1: Bool {
        protocol_version == 1
            && (body_case == SELMIX__WIRE__FRAME__BODY_HELLO || body_case == SELMIX__WIRE__FRAME__BODY_REFUSED)
    }

    fileprivate var isFromCoordinator: Bool {
        switch body_case {
        case SELMIX__WIRE__FRAME__BODY_WELCOME, SELMIX__WIRE__FRAME__BODY_REFUSED, SELMIX__WIRE__FRAME__BODY_ALIVE,
            SELMIX__WIRE__FRAME__BODY_REJOIN, SELMIX__WIRE__FRAME__BODY_WEIGHTS,
            SELMIX__WIRE__FRAME__BODY_WEIGHTS_SLICE, SELMIX__WIRE__FRAME__BODY_WEIGHTS_PIECE,
            SELMIX__WIRE__FRAME__BODY_ASSIGNMENT, SELMIX__WIRE__FRAME__BODY_RELEASE,
            SELMIX__WIRE__FRAME__BODY_FILES, SELMIX__WIRE__FRAME__BODY_CHUNK, SELMIX__WIRE__FRAME__BODY_NO_FILES:
            true
        default: false
        }
    }
}

extension CoordinatorMessage: WireDecodable {
    public init(_ reader: FrameReader) throws {
        let (frame, limits) = (reader.frame, reader.limits)
        switch frame.body_case {
        case SELMIX__WIRE__FRAME__BODY_WELCOME:
            let welcome = try present(frame.welcome)
            guard welcome.heartbeat_interval_microseconds >= shortestInterval, welcome.shards > 0 else {
                throw WireError("a welcome without heartbeat interval or shards")
            }
            self = .welcome(
                Welcome(
                    instructionSet: try text(welcome.instruction_set, limits),
                    heartbeatInterval: .microseconds(try int(welcome.heartbeat_interval_microseconds)),
                    orphanTimeout: .microseconds(try int(welcome.orphan_timeout_microseconds)),
                    shards: Int(try number(UInt64(welcome.shards), upTo: mostShards))))
        case SELMIX__WIRE__FRAME__BODY_REFUSED:
            let refused = try present(frame.refused)
            self = .refused(reason: reason(refused.reason, limits), retry: refused.retry != 0)
        case SELMIX__WIRE__FRAME__BODY_ALIVE:
            self = .alive
        case SELMIX__WIRE__FRAME__BODY_REJOIN:
            self = .rejoin(reason: try reason(present(frame.rejoin).reason, limits))
        case SELMIX__WIRE__FRAME__BODY_WEIGHTS_SLICE:
            let slice = try present(frame.weights_slice)
            self = .weightsSlice(
                WeightsVersion(try int(slice.version)), head: Int(slice.head), index: Int(slice.index))
        case SELMIX__WIRE__FRAME__BODY_WEIGHTS_PIECE:
            let piece = try present(frame.weights_piece)
            self = .weightsPiece(WeightsVersion(try int(piece.version)), index: Int(piece.index))
        case SELMIX__WIRE__FRAME__BODY_WEIGHTS:
            let weights = try present(frame.weights)
            self = .weights(
                WeightsVersion(try int(weights.version)), Digest(rawValue: weights.digest),
                passedOn: weights.passed_on != 0,
                after: weights.has_after != 0 ? WeightsVersion(try int(weights.after)) : nil)
        case SELMIX__WIRE__FRAME__BODY_ASSIGNMENT:
            let assignment = try present(frame.assignment)
            guard assignment.n_shards > 0, assignment.n_shards <= 1 << 16 else {
                throw WireError("an assignment of \(assignment.n_shards) shards")
            }
            guard assignment.n_group != 1, assignment.n_group <= 1 << 16 else {
                throw WireError("a group of \(assignment.n_group) workers")
            }
            let members = try (0..<assignment.n_group).map { index in
                let member = try present(assignment.group[index])
                return ReductionGroup.Member(
                    life: Incarnation(rawValue: member.incarnation), address: try text(member.address, limits))
            }
            let shards = UnsafeBufferPointer(start: assignment.shards, count: assignment.n_shards)
            guard zip(shards, shards.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw WireError("an assignment of shards that do not ascend")
            }
            self = .assign(
                Assignment(
                    number: try number(assignment.number), work: try Work(try present(assignment.work)),
                    weights: WeightsVersion(try int(assignment.weights_version)),
                    selection: Digest(rawValue: assignment.selection),
                    shards: try shards.map { ShardID(Int(try number(UInt64($0), upTo: mostShards - 1))) },
                    featureSums: assignment.feature_sums != 0, eachShard: assignment.each_shard != 0,
                    group: members.isEmpty ? nil : ReductionGroup(members: members)))
        case SELMIX__WIRE__FRAME__BODY_RELEASE:
            self = .release(reason: try reason(present(frame.release).reason, limits))
        case SELMIX__WIRE__FRAME__BODY_FILES:
            let files = try present(frame.files)
            guard files.chunk_bytes > 0 else { throw WireError("files without a chunk size") }
            self = .files(chunkBytes: Int(try number(files.chunk_bytes, upTo: longestChunk)))
        case SELMIX__WIRE__FRAME__BODY_CHUNK:
            let chunk = try present(frame.chunk)
            self = .chunk(ChunkID(file: Int(chunk.file), chunk: Int(chunk.chunk)))
        case SELMIX__WIRE__FRAME__BODY_NO_FILES:
            self = .noFiles(reason: try reason(present(frame.no_files).reason, limits))
        default:
            throw WireError("no message from a coordinator (kind \(frame.body_case.rawValue))")
        }
    }
}

extension PeerMessage: WireDecodable {
    public init(_ reader: FrameReader) throws {
        let frame = reader.frame
        switch frame.body_case {
        case SELMIX__WIRE__FRAME__BODY_PART:
            let part = try present(frame.part)
            self = .part(
                GradientPart(
                    step: StepIndex(try int(part.step)), node: try node(part.node_lower, part.node_upper),
                    index: Int(part.index)))
        case SELMIX__WIRE__FRAME__BODY_WEIGHTS_PIECE:
            let piece = try present(frame.weights_piece)
            self = .weightsPiece(WeightsVersion(try int(piece.version)), index: Int(piece.index))
        default:
            throw WireError(
                "no message from a worker to another (kind \(frame.body_case.rawValue))",
                as: frame.isFromCoordinator ? .wrongRole : .malformed)
        }
    }
}

/// Far more than the largest head has, and than any batch is cut into.
private let mostPieces = 1 << 16
private let mostParts = 1 << 12
/// Where tree nodes end.
private let mostShards: UInt64 = 1 << 20
private let longestChunk: UInt64 = 1 << 30
/// A millisecond: a tenth of what the shortest failure time-out of a job gives.
private let shortestInterval: UInt64 = 1000

extension StagingProgress {
    /// Nil where there is nothing to fetch.
    fileprivate init?(_ heartbeat: Selmix__Wire__Heartbeat) throws {
        guard heartbeat.staging_bytes > 0 else { return nil }
        let total = try number(heartbeat.staging_bytes, upTo: MeasurementLimit.bytes)
        self.init(doneBytes: try number(heartbeat.staged_bytes, upTo: total), totalBytes: total)
    }
}

extension Work {
    fileprivate init(_ work: Selmix__Wire__Work) throws {
        switch work.kind {
        case SELMIX__WIRE__WORK_KIND__VALIDATE: self = .validate(RoundIndex(try int(work.index)))
        case SELMIX__WIRE__WORK_KIND__TRAIN: self = .train(StepIndex(try int(work.index)))
        default: throw WireError("unknown kind of work \(work.kind.rawValue)")
        }
    }
}
