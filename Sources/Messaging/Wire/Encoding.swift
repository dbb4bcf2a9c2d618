import CProtocol
import Common
import Coordination

// Messages to header frames. No C structure leaves this file.

/// A message that can be put on the wire.
public protocol WireEncodable: Sendable {
    /// Sets the body of a header frame.
    func encode(into builder: FrameBuilder)
    /// Whether the tensors beside it are covered by no digest of what they are part of, and so get one each.
    var digestsTensors: Bool { get }
}

extension WireEncodable {
    public var digestsTensors: Bool { false }
}

extension Packet where Message: WireEncodable {
    /// The bytes of the header frame.
    public func encodedHeader() -> [UInt8] {
        let builder = FrameBuilder()
        builder.frame.protocol_version = header.protocolVersion
        if let runID = header.runID {
            let bytes = [runID.high, runID.low].flatMap { word in
                withUnsafeBytes(of: word.littleEndian) { Array($0) }
            }
            builder.frame.run_id = ProtobufCBinaryData(len: bytes.count, data: builder.array(bytes))
        }
        builder.frame.epoch = header.epoch.rawValue
        builder.frame.worker = builder.string(header.worker)
        builder.frame.incarnation = header.incarnation.rawValue
        builder.frame.n_tensors = tensors.count
        builder.frame.tensors = builder.array(
            tensors.map { $0.encoded(builder, digest: message.digestsTensors ? MessageSeal.hash($0.bytes) : 0) })
        message.encode(into: builder)

        let size = selmix__wire__frame__get_packed_size(&builder.frame)
        return MessageSeal.sealed(
            [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = selmix__wire__frame__pack(&builder.frame, buffer.baseAddress)
            })
    }
}

extension TensorFrame {
    fileprivate func encoded(_ builder: FrameBuilder, digest: UInt64) -> UnsafeMutablePointer<Selmix__Wire__Tensor>? {
        builder.place(Selmix__Wire__Tensor(), selmix__wire__tensor__init) {
            $0.name = builder.string(name)
            $0.data_type = Selmix__Wire__DataType(rawValue: type.rawValue)
            $0.n_shape = shape.count
            $0.shape = builder.array(shape.map { UInt64($0) })
            $0.digest = digest
        }
    }
}

extension Work {
    fileprivate func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__Work> {
        builder.place(Selmix__Wire__Work(), selmix__wire__work__init) {
            switch self {
            case .validate(let round):
                $0.kind = SELMIX__WIRE__WORK_KIND__VALIDATE
                $0.index = UInt64(round.rawValue)
            case .train(let step):
                $0.kind = SELMIX__WIRE__WORK_KIND__TRAIN
                $0.index = UInt64(step.rawValue)
            }
        }
    }
}

extension WorkerMessage: WireEncodable {
    public func encode(into builder: FrameBuilder) {
        switch self {
        case .hello(let hello):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_HELLO
            builder.frame.hello = builder.place(Selmix__Wire__Hello(), selmix__wire__hello__init) {
                $0.version = builder.string(hello.version)
                $0.host = builder.string(hello.host)
                $0.process_id = hello.processID
                $0.instruction_set = builder.string(hello.instructionSet)
                $0.matrix_library = builder.string(hello.matrixLibrary)
            }
        case .heartbeat(let heartbeat):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_HEARTBEAT
            builder.frame.heartbeat = builder.place(Selmix__Wire__Heartbeat(), selmix__wire__heartbeat__init) {
                if case .ready(let probe) = heartbeat.phase {
                    $0.ready = 1
                    $0.probe = probe.rawValue
                }
                $0.blocks = heartbeat.blocks
                if let weights = heartbeat.weights {
                    $0.has_weights = 1
                    $0.weights_version = UInt64(weights.rawValue)
                }
                $0.n_holding = heartbeat.holding.count
                $0.holding = builder.array(heartbeat.holding)
                $0.telemetry = heartbeat.telemetry?.encoded(builder)
                $0.self_test = heartbeat.selfTest?.encoded(builder)
                if let staging = heartbeat.staging {
                    $0.staging_bytes = staging.totalBytes
                    $0.staged_bytes = staging.doneBytes
                }
                $0.peer_address = builder.string(heartbeat.peerAddress)
            }
        case .contribution(let contribution):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_CONTRIBUTION
            builder.frame.contribution = builder.place(Selmix__Wire__Contribution(), selmix__wire__contribution__init) {
                $0.assignment = contribution.assignment
                $0.work = contribution.work.encoded(builder)
                $0.weights_version = UInt64(contribution.weights.rawValue)
                $0.selection = contribution.selection.rawValue
                $0.node_lower = UInt32(contribution.node.lower)
                $0.node_upper = UInt32(contribution.node.upper)
                $0.digest = contribution.digest.rawValue
                $0.loss = contribution.loss
                $0.n_pieces = contribution.pieces.count
                $0.pieces = builder.array(contribution.pieces.map(\.rawValue))
            }
        case .sum(let sum):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_SUM
            builder.frame.sum = builder.place(Selmix__Wire__PieceSum(), selmix__wire__piece_sum__init) {
                $0.step = UInt64(sum.step.rawValue)
                $0.index = UInt32(sum.index)
                let parts = sum.parts.sorted { ($0.key.lower, $0.key.upper) < ($1.key.lower, $1.key.upper) }
                $0.n_parts = parts.count
                $0.parts = builder.array(
                    parts.map { node, digest in
                        builder.place(Selmix__Wire__PartDigest(), selmix__wire__part_digest__init) {
                            ($0.node_lower, $0.node_upper) = (UInt32(node.lower), UInt32(node.upper))
                            $0.digest = digest.rawValue
                        }
                    })
                $0.digest = sum.digest.rawValue
            }
        case .slice(let slice):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_SLICE
            builder.frame.slice = builder.place(
                Selmix__Wire__ContributionSlice(), selmix__wire__contribution_slice__init
            ) {
                $0.assignment = slice.assignment
                $0.node_lower = UInt32(slice.node.lower)
                $0.node_upper = UInt32(slice.node.upper)
                $0.index = UInt32(slice.index)
            }
        case .leaving(let reason):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_LEAVING
            builder.frame.leaving = builder.place(Selmix__Wire__Leaving(), selmix__wire__leaving__init) {
                $0.reason = builder.string(reason)
            }
        case .failed(let reason):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_FAILED
            builder.frame.failed = builder.place(Selmix__Wire__Failed(), selmix__wire__failed__init) {
                $0.reason = builder.string(reason)
            }
        case .listFiles:
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_LIST_FILES
            builder.frame.list_files = builder.place(Selmix__Wire__ListFiles(), selmix__wire__list_files__init)
        case .fetch(let chunk):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_FETCH_CHUNK
            builder.frame.fetch_chunk = builder.place(Selmix__Wire__FetchChunk(), selmix__wire__fetch_chunk__init) {
                $0.file = UInt32(chunk.file)
                $0.chunk = UInt32(chunk.chunk)
            }
        }
    }
}

extension CoordinatorMessage: WireEncodable {
    /// The job, the pairs of a step and the list of files; weights and chunks have digests of their own.
    public var digestsTensors: Bool {
        switch self {
        case .welcome, .assign, .files: true
        default: false
        }
    }

    public func encode(into builder: FrameBuilder) {
        switch self {
        case .welcome(let welcome):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_WELCOME
            builder.frame.welcome = builder.place(Selmix__Wire__Welcome(), selmix__wire__welcome__init) {
                $0.instruction_set = builder.string(welcome.instructionSet)
                $0.heartbeat_interval_microseconds = welcome.heartbeatInterval.microseconds
                $0.orphan_timeout_microseconds = welcome.orphanTimeout.microseconds
                $0.shards = UInt32(welcome.shards)
            }
        case .refused(let reason, let retry):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_REFUSED
            builder.frame.refused = builder.place(Selmix__Wire__Refused(), selmix__wire__refused__init) {
                $0.reason = builder.string(reason)
                $0.retry = retry ? 1 : 0
            }
        case .alive:
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_ALIVE
            builder.frame.alive = builder.place(Selmix__Wire__Alive(), selmix__wire__alive__init)
        case .rejoin(let reason):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_REJOIN
            builder.frame.rejoin = builder.place(Selmix__Wire__Rejoin(), selmix__wire__rejoin__init) {
                $0.reason = builder.string(reason)
            }
        case .weightsSlice(let version, let head, let index):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_WEIGHTS_SLICE
            builder.frame.weights_slice = builder.place(Selmix__Wire__WeightsSlice(), selmix__wire__weights_slice__init)
            {
                $0.version = UInt64(version.rawValue)
                $0.head = UInt32(head)
                $0.index = UInt32(index)
            }
        case .weightsPiece(let version, let index):
            builder.encodeWeightsPiece(version, index: index)
        case .weights(let version, let digest, let passedOn, let after):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_WEIGHTS
            builder.frame.weights = builder.place(Selmix__Wire__Weights(), selmix__wire__weights__init) {
                $0.version = UInt64(version.rawValue)
                $0.digest = digest.rawValue
                $0.passed_on = passedOn ? 1 : 0
                if let after {
                    $0.has_after = 1
                    $0.after = UInt64(after.rawValue)
                }
            }
        case .assign(let assignment):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_ASSIGNMENT
            builder.frame.assignment = builder.place(Selmix__Wire__Assignment(), selmix__wire__assignment__init) {
                $0.number = assignment.number
                $0.work = assignment.work.encoded(builder)
                $0.weights_version = UInt64(assignment.weights.rawValue)
                $0.selection = assignment.selection.rawValue
                $0.n_shards = assignment.shards.count
                $0.shards = builder.array(assignment.shards.map { UInt32($0.rawValue) })
                $0.feature_sums = assignment.featureSums ? 1 : 0
                $0.each_shard = assignment.eachShard ? 1 : 0
                let members = assignment.group?.members ?? []
                $0.n_group = members.count
                $0.group = builder.array(
                    members.map { member in
                        builder.place(Selmix__Wire__GroupMember(), selmix__wire__group_member__init) {
                            $0.incarnation = member.life.rawValue
                            $0.address = builder.string(member.address)
                        }
                    })
            }
        case .release(let reason):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_RELEASE
            builder.frame.release = builder.place(Selmix__Wire__Release(), selmix__wire__release__init) {
                $0.reason = builder.string(reason)
            }
        case .files(let chunkBytes):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_FILES
            builder.frame.files = builder.place(Selmix__Wire__Files(), selmix__wire__files__init) {
                $0.chunk_bytes = UInt64(chunkBytes)
            }
        case .chunk(let chunk):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_CHUNK
            builder.frame.chunk = builder.place(Selmix__Wire__Chunk(), selmix__wire__chunk__init) {
                $0.file = UInt32(chunk.file)
                $0.chunk = UInt32(chunk.chunk)
            }
        case .noFiles(let reason):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_NO_FILES
            builder.frame.no_files = builder.place(Selmix__Wire__NoFiles(), selmix__wire__no_files__init) {
                $0.reason = builder.string(reason)
            }
        }
    }
}

extension PeerMessage: WireEncodable {
    public func encode(into builder: FrameBuilder) {
        switch self {
        case .part(let part):
            builder.frame.body_case = SELMIX__WIRE__FRAME__BODY_PART
            builder.frame.part = builder.place(Selmix__Wire__GradientPart(), selmix__wire__gradient_part__init) {
                $0.step = UInt64(part.step.rawValue)
                ($0.node_lower, $0.node_upper) = (UInt32(part.node.lower), UInt32(part.node.upper))
                $0.index = UInt32(part.index)
            }
        case .weightsPiece(let version, let index):
            builder.encodeWeightsPiece(version, index: index)
        }
    }
}

extension FrameBuilder {
    fileprivate func encodeWeightsPiece(_ version: WeightsVersion, index: Int) {
        frame.body_case = SELMIX__WIRE__FRAME__BODY_WEIGHTS_PIECE
        frame.weights_piece = place(Selmix__Wire__WeightsPiece(), selmix__wire__weights_piece__init) {
            $0.version = UInt64(version.rawValue)
            $0.index = UInt32(index)
        }
    }
}

extension Duration {
    var microseconds: UInt64 { UInt64(saturating: max(0, seconds * 1e6)) }
}
