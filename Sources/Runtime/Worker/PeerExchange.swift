import Common
import Coordination
import Dispatch
import Messaging
import SelMix
import Training

/// A worker's part in a group that sums gradients: gives what it computes, piece by piece, to whoever sums that piece, sums
/// the pieces that fall to it, and passes pieces of new weights on.
///
/// It belongs to the thread that drives the worker's sockets, and sums on a queue of its own, beside the computing.
final class PeerExchange {
    /// What came from another worker.
    enum Received {
        /// A part of that many bytes, which is taken care of.
        case part(byteCount: UInt64)
        case weightsPiece(WeightsVersion, index: Int, TensorFrame)
        /// Something that is no message of this run, with what it was.
        case rejected(Rejection, String)
    }

    typealias Sum = (sum: PieceSum, frame: TensorFrame)

    /// Where others reach this worker.
    let address: String
    /// Parts come in here.
    let socket: Socket
    /// What the workers of this run prove that they belong to it; nil where nothing is encrypted.
    let pair: CurveKeyPair?
    private let context: MessagingContext
    private let doorkeeper: Doorkeeper
    private let layout: ParameterLayout
    private let sums: PieceSums
    private let queue = DispatchQueue(label: "selmix.reduce")
    private let post: @Sendable (Sum) -> Void
    private var intake: PartIntake<TensorFrame>
    private let shards: Int
    private var group: ReductionGroup?
    /// The others of the group.
    private var peers: [Incarnation: Socket] = [:]

    /// - Parameters:
    ///   - address: where to listen.
    ///   - news: raised when connections were refused.
    ///   - post: takes the sums, from any thread.
    init(
        listeningOn address: String, pair: CurveKeyPair?, layout: ParameterLayout, shards: Int, precision: Precision,
        news: WakeSignal, post: @escaping @Sendable (Sum) -> Void
    ) throws {
        (self.pair, self.layout, self.shards) = (pair, layout, shards)
        self.post = post
        intake = PartIntake(shards: shards)
        sums = PieceSums(layout: layout, shards: shards, precision: precision)
        context = try MessagingContext()
        var admits: (@Sendable (CurveKey) -> KeyName?)?
        if let key = pair?.publicKey { admits = { $0 == key ? KeyName("group") : nil } }
        // Two connections for each other worker would be enough; others may come by, and must not hold everything.
        doorkeeper = try Doorkeeper(
            context: context, news: news, mostConnections: min(4096, OpenFiles.limit / 4), admits: admits)
        socket = try Socket(
            .router, context: context,
            options: .init(
                longestFrame: layout.pieces.map { $0.count * 4 }.max() ?? 0, queueLength: CoordinatorShell.bulkQueue,
                security: pair.map { .member($0) } ?? .none),
            doorkeeper: doorkeeper)
        self.address = try socket.bind(address)
    }

    /// Forgets everything of an earlier life.
    func reset() {
        (group, peers) = (nil, [:])
        intake = PartIntake(shards: shards)
    }

    /// For another worker: a mailbox, a monitor with its own two, a connection each way.
    private static let descriptorsOfPeer = 5

    /// Connects to those of a group that are new, and forgets who is not of it.
    func join(_ group: ReductionGroup, as life: Incarnation) throws {
        guard group != self.group else { return }
        peers = peers.filter { group.contains($0.key) }
        let arriving = group.members.filter { $0.life != life && peers[$0.life] == nil }
        try OpenFiles.require(Self.descriptorsOfPeer * arriving.count, for: "a group of \(group.members.count) workers")
        for member in arriving {
            let socket = try Socket(
                .dealer(life), context: context,
                options: .init(
                    longestFrame: 1 << 10, queueLength: CoordinatorShell.bulkQueue,
                    security: pair.map { .member($0) } ?? .none, queuesUnconnected: true),
                doorkeeper: doorkeeper)
            try socket.connect(member.address)
            peers[member.life] = socket
        }
        self.group = group
    }

    // MARK: Sending

    /// The pieces of a slice that is in one frame, with their indices.
    func pieces(of slice: Int, _ frame: TensorFrame) -> [(index: Int, frame: TensorFrame)] {
        Array(zip(layout.piecesOfSlice[slice], layout.pieces(of: slice, frame))).map { (index: $0, frame: $1) }
    }

    /// Gives a part to whoever sums its piece.
    ///
    /// - Returns: the bytes that went to another worker; nil where that one cannot be sent anything now. The group will be
    ///   given up then.
    func give(_ part: GradientPart, _ frame: TensorFrame, in group: ReductionGroup, header: Header) -> UInt64? {
        let reducer = group.reducer(of: part.index)
        if reducer.life == header.incarnation {
            add(part, frame)
            return 0
        }
        let packet = Packet(PeerMessage.part(part), header: header, tensors: [frame])
        return peers[reducer.life]?.send(packet) == .sent ? packet.byteCount : nil
    }

    /// Passes a piece of new weights on to all others.
    ///
    /// - Returns: the bytes that were sent.
    func passOn(_ index: Int, of version: WeightsVersion, _ frame: TensorFrame, header: Header) -> UInt64 {
        let packet = Packet(PeerMessage.weightsPiece(version, index: index), header: header, tensors: [frame])
        return peers.values.reduce(0) { $0 + ($1.send(packet) == .sent ? packet.byteCount : 0) }
    }

    // MARK: Receiving

    /// The next message; nil when none is there.
    ///
    /// - Parameters:
    ///   - header: of this worker. Another run's and another start's messages are rejected.
    ///   - weights: that this worker holds; nobody is more than a step ahead of them.
    func receive(_ header: Header, holding weights: WeightsVersion?) -> Received? {
        guard let received = socket.receive(PeerMessage.self) else { return nil }
        let packet: Packet<PeerMessage>
        switch received {
        case .rejected(let error): return .rejected(error.rejection, error.reason)
        case .packet(let arrived): packet = arrived
        }
        let sender = packet.header.worker
        guard packet.header.runID == header.runID, packet.header.epoch == header.epoch else {
            return .rejected(.otherRun, "from \(sender)")
        }
        guard packet.tensors.count == 1 else {
            return .rejected(.malformed, "\(packet.tensors.count) tensors from \(sender)")
        }
        switch packet.message {
        case .weightsPiece(let version, let index):
            guard weights.map({ version.rawValue <= $0.rawValue + 2 }) ?? true else {
                return .rejected(.otherRun, "weights \(version) from \(sender)")
            }
            return .weightsPiece(version, index: index, packet.tensors[0])
        case .part(let part):
            guard layout.pieces.indices.contains(part.index),
                layout.matches(layout.pieces[part.index], packet.tensors[0], sums.type(of: part.node))
            else { return .rejected(.badTensors, "a part of another shape from \(sender)") }
            add(part, packet.tensors[0], upTo: weights.map { StepIndex($0.rawValue + 1) })
            return .part(byteCount: packet.byteCount)
        }
    }

    /// Connections that were turned away since it was asked last.
    func takeRefusals() -> [Doorkeeper.Refusals] { doorkeeper.takeRefusals() }

    private func add(_ part: GradientPart, _ frame: TensorFrame, upTo last: StepIndex? = nil) {
        guard let parts = intake.add(part, frame.aligned, upTo: last) else { return }
        queue.async { [sums, post] in post(sums.sum(part.index, of: part.step, parts)) }
    }
}

/// Sums pieces, on one queue.
private final class PieceSums: @unchecked Sendable {
    private let layout: ParameterLayout
    private let root: TreeNode
    private let sum: TreeSum
    private let pool = BufferPool()

    init(layout: ParameterLayout, shards: Int, precision: Precision) {
        self.layout = layout
        root = .root(shards: shards)
        sum = TreeSum(shards: shards, precision: precision, capacity: StepUpdate.blockSize)
    }

    /// In which type a node's part comes.
    func type(of node: TreeNode) -> Precision { sum.type(of: node) }

    func sum(_ index: Int, of step: StepIndex, _ parts: [TreeNode: TensorFrame]) -> PeerExchange.Sum {
        let piece = layout.pieces[index]
        let buffer = pool.buffer(byteCount: piece.count * 4)
        for first in stride(from: 0, to: piece.count, by: StepUpdate.blockSize) {
            let length = min(StepUpdate.blockSize, piece.count - first)
            sum(root, count: length, into: buffer.pointer + first * 4) { node, _, type in
                parts[node]?.bytes.baseAddress.map { $0 + first * type.byteCount }
            }
        }
        let frame = layout.frame(of: piece, .float32, in: buffer)
        let made = PieceSum(
            step: step, index: index, parts: parts.mapValues { Digest(rawValue: $0.digest) },
            digest: Digest(rawValue: frame.digest))
        return (made, frame)
    }
}
