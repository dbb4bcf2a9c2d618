import Common
import Coordination
import Foundation
import Messaging
import SelMix
import Synchronization
import Training

/// Receiving and summing gradients as the coordinator does, without the optimiser: slices over ipc from sending processes,
/// decoded, checked by digest and summed over the canonical tree. Beside it, what ZeroMQ moves between the same processes
/// when nobody looks at the bytes.
public struct AggregateBench: Sendable, Encodable {
    public struct Settings: Sendable, Encodable {
        /// K, d, V.
        public var classes = 1000, dimension = 2048, shards = 8
        public var workers = 2
        public var precision = Precision.float32
        /// Gradients of all workers that are received.
        public var repetitions = 100

        public init() {}
    }

    public var settings: Settings
    public var gigabytesPerSecond: Double
    public var rawGigabytesPerSecond: Double

    private enum CodingKeys: String, CodingKey {
        case settings
        case gigabytesPerSecond = "GBPerSecond"
        case rawGigabytesPerSecond = "rawZeroMQGBPerSecond"
    }

    /// - Parameters:
    ///   - program: the path of the `selmix` executable that the senders run.
    ///   - sending: the arguments that make it send, for an address, a sender's number, and whether it sends raw bytes.
    public static func run(
        _ settings: Settings, program: String,
        sending: @escaping @Sendable (_ address: String, _ sender: Int, _ raw: Bool) -> [String]
    ) async throws -> AggregateBench {
        func rate(raw: Bool) async throws -> Double {
            let directory = try SocketDirectory()
            let address = directory.address("bulk")
            let complaint = Mutex<String?>(nil)
            let receive = raw ? receiveRaw : receiveAndSum
            let senders = LocalWorkers(
                count: settings.workers, program: program,
                arguments: { _, index in sending(address, index, raw) },
                onLine: { _, line in complaint.withLock { $0 = line } }, onNoneLeft: { _ in })
            let rate: Result<Double, any Error> = await withCheckedContinuation { continuation in
                Thread { continuation.resume(returning: Result { try receive(settings, address) }) }.start()
            }
            await senders.stop(grace: .zero)
            do {
                return try rate.get()
            } catch let error as SelMixError {
                throw SelMixError(error.code, error.message, cause: complaint.withLock { $0 })
            }
        }
        // The better of two each, in turn: what disturbs one is likely to disturb the other.
        var (summed, raw) = (0.0, 0.0)
        for _ in 0..<2 {
            raw = max(raw, try await rate(raw: true))
            summed = max(summed, try await rate(raw: false))
        }
        return AggregateBench(
            settings: settings, gigabytesPerSecond: summed, rawGigabytesPerSecond: raw)
    }

    // MARK: Receiving

    /// The first gradients warm caches and connections up.
    private static let warmUp = 5
    private static let patience = Duration.seconds(60)

    private static func receiveAndSum(_ settings: Settings, address: String) throws -> Double {
        let layout = ParameterLayout.linearHead(classes: settings.classes, dimension: settings.dimension)
        let context = try MessagingContext()
        let socket = try Socket(
            .router, context: context, options: .init(longestFrame: 1 << 30, queueLength: CoordinatorShell.bulkQueue))
        _ = try socket.bind(address)
        let sums = Sums(settings)
        let wake = try WakeSignal()
        var intake = SliceIntake()
        var (done, bytes, start) = (0, 0, SystemClock.now)
        var lastHeard = SystemClock.now
        while done < warmUp + settings.repetitions {
            Poller.wait([socket], wake: wake, timeout: .seconds(1))
            guard SystemClock.now - lastHeard < patience else { throw Self.silence }
            while let received = socket.receive(WorkerMessage.self) {
                lastHeard = SystemClock.now
                guard case .packet(let packet) = received, case .slice(let slice) = packet.message else {
                    throw SelMixError(.failed, "a sender sent something else than slices")
                }
                try intake.add(
                    slice, packet.tensors, from: packet.header.incarnation, layout: layout,
                    sums.type(of: slice.node))
                // The nodes of one gradient share its number.
                let gradients = intake.received.filter {
                    $0.key.assignment == slice.assignment && $0.value.frames.count > slice.index
                }
                guard gradients.keys.reduce(0, { $0 + $1.node.count }) == settings.shards else { continue }
                let frames = Dictionary(
                    uniqueKeysWithValues: gradients.map { ($0.key.node, $0.value.frames[slice.index]) })
                sums.add(frames, count: layout.slices[slice.index].count)
                bytes += frames.values.reduce(0) { $0 + $1.bytes.count }
                guard slice.index == layout.slices.count - 1 else { continue }
                intake.remove(gradients.keys)
                done += 1
                if done == warmUp { (bytes, start) = (0, SystemClock.now) }
            }
        }
        sums.wait()
        return Double(bytes) / (SystemClock.now - start).seconds / 1e9
    }

    /// Sums beside the receiving thread, as the coordinator does, which falls behind it by no more than a few slices.
    private final class Sums: @unchecked Sendable {
        private let root: TreeNode
        private let sum: TreeSum
        private let total = AlignedBuffer(byteCount: StepUpdate.blockSize * 4)
        private let queue = DispatchQueue(label: "selmix.compute")
        private let places = DispatchSemaphore(value: 16)

        init(_ settings: Settings) {
            root = .root(shards: settings.shards)
            sum = TreeSum(shards: settings.shards, precision: settings.precision, capacity: StepUpdate.blockSize)
        }

        func type(of node: TreeNode) -> Precision { sum.type(of: node) }

        func add(_ frames: [TreeNode: TensorFrame], count: Int) {
            places.wait()
            queue.async { [self] in
                for first in stride(from: 0, to: count, by: StepUpdate.blockSize) {
                    sum(root, count: min(StepUpdate.blockSize, count - first), into: total.pointer) { node, _, type in
                        frames[node]?.bytes.baseAddress.map { $0 + first * type.byteCount }
                    }
                }
                places.signal()
            }
        }

        func wait() { queue.sync {} }
    }

    private static func receiveRaw(_ settings: Settings, address: String) throws -> Double {
        let layout = ParameterLayout.linearHead(classes: settings.classes, dimension: settings.dimension)
        let context = try MessagingContext()
        let stream = try RawStream(
            bindingTo: address, context: context, queueLength: CoordinatorShell.bulkQueue)
        let messages = layout.slices.count * settings.workers
        var (bytes, start) = (0, SystemClock.now)
        for received in 0..<(warmUp + settings.repetitions) * messages {
            if received == warmUp * messages { (bytes, start) = (0, SystemClock.now) }
            guard let length = stream.receive(within: patience) else { throw Self.silence }
            bytes += length
        }
        return Double(bytes) / (SystemClock.now - start).seconds / 1e9
    }

    private static var silence: SelMixError { SelMixError(.failed, "the sending processes are silent") }

    // MARK: Sending

    /// Sends gradients until it is ended.
    public static func send(_ settings: Settings, to address: String, sender: Int, raw: Bool) throws -> Never {
        let layout = ParameterLayout.linearHead(classes: settings.classes, dimension: settings.dimension)
        let context = try MessagingContext()
        let shards = ShardPlanner.deal(total: settings.shards, workers: settings.workers)[sender]
        let nodes = TreeNode.maximalNodes(of: shards, total: settings.shards)
        let sum = TreeSum(shards: settings.shards, precision: settings.precision, capacity: 1)
        func frame(_ slice: ParameterLayout.Slice, _ type: Precision) -> TensorFrame {
            layout.frame(
                of: slice, type, in: AlignedBuffer(byteCount: slice.count * type.byteCount, zeroed: true))
        }
        let frames = nodes.map { node in layout.slices.map { frame($0, sum.type(of: node)) } }
        if raw {
            let stream = try RawStream(
                connectingTo: address, context: context, queueLength: CoordinatorShell.bulkQueue)
            while true { for frame in frames[0] { stream.send(frame.bytes, owner: frame.owner) } }
        }
        let incarnation = Incarnation(rawValue: UInt64(sender) + 1)
        let socket = try Socket(
            .dealer(incarnation), context: context,
            options: .init(longestFrame: 1 << 30, queueLength: layout.slices.count * nodes.count))
        try socket.connect(address)
        let header = Header(runID: nil, epoch: .unknown, worker: "sender", incarnation: incarnation)
        for number in 1... {
            for (node, frames) in zip(nodes, frames) {
                for (index, frame) in frames.enumerated() {
                    let slice = ContributionSlice(assignment: UInt64(number), node: node, index: index)
                    let packet = Packet(WorkerMessage.slice(slice), header: header, tensors: [frame])
                    // A worker hashes what it sends.
                    _ = frame.digest
                    while socket.send(packet) != .sent { usleep(50) }
                }
            }
        }
        preconditionFailure("numbers do not end")
    }
}
