import CKernels
import Common
import Coordination
import Foundation
import Messaging
import Synchronization
import Testing
import Training

/// Makes a worker process one whose machine computes wrongly: what goes between it and its coordinator comes by here, and
/// from one step on every contribution is a lie.
final class FaultyMachine: Sendable {
    /// What is wrong with what it sends.
    enum Lie: Sendable, CustomTestStringConvertible {
        /// A bit of the gradient, with the digest to match.
        case bit
        /// A value of the gradient, with the digest to match.
        case gradient(Float)
        case loss(Double)
        /// A bit of the gradient; the digest is that of what was computed.
        case damaged

        var testDescription: String {
            switch self {
            case .bit: "a wrong bit"
            case .gradient(let value): "a gradient of \(value)"
            case .loss(let value): "a loss of \(value)"
            case .damaged: "damaged tensors"
            }
        }
    }

    /// Where the worker is to connect.
    let control: String
    let bulk: String
    private let wake: WakeSignal
    private let isOver = Atomic(false)
    private let corrupted = Atomic(0)
    private let ended = DispatchSemaphore(value: 0)

    /// How many contributions went out wrong.
    var count: Int { corrupted.load(ordering: .relaxed) }

    init(control: String, bulk: String, from step: Int, lie: Lie = .bit) throws {
        wake = try WakeSignal()
        let ends = try Ends(control: control, bulk: bulk)
        (self.control, self.bulk) = (ends.addresses[0], ends.addresses[1])
        Thread { [self, box = Unchecked(value: ends)] in
            while !isOver.load(ordering: .relaxed) {
                Poller.wait(box.value.sockets, wake: wake, timeout: nil)
                box.value.pass { packet in
                    guard case .contribution(let contribution) = packet.message,
                        case .train(let index) = contribution.work, index.rawValue >= step
                    else { return packet }
                    corrupted.add(1, ordering: .relaxed)
                    return Self.corrupted(packet, contribution, lie)
                }
            }
            ended.signal()
        }.start()
    }

    /// Ends it, and gives its ports back.
    func stop() {
        isOver.store(true, ordering: .relaxed)
        wake.raise()
        ended.wait()
    }

    private static func corrupted(
        _ packet: Packet<WorkerMessage>, _ contribution: Contribution, _ lie: Lie
    ) -> Packet<WorkerMessage> {
        var packet = packet
        let frame = packet.tensors[0]
        let buffer = AlignedBuffer(bytes: frame.bytes)
        var loss = contribution.loss
        switch lie {
        case .bit, .damaged: buffer.floats()[0] = Float(bitPattern: buffer.floats()[0].bitPattern ^ 1)
        case .gradient(let value): buffer.floats()[0] = value
        case .loss(let value): loss = value
        }
        packet.tensors[0] = TensorFrame(
            name: frame.name, type: frame.type, shape: frame.shape, bytes: buffer.bytes, owner: buffer)
        if case .damaged = lie { return packet }
        let digests = packet.tensors.map { smx_hash($0.bytes.baseAddress!, $0.bytes.count, 0).littleEndian }
        let digest = digests.withUnsafeBytes { smx_hash($0.baseAddress!, $0.count, 0) }
        packet.message = .contribution(
            Contribution(
                assignment: contribution.assignment, work: contribution.work, weights: contribution.weights,
                selection: contribution.selection, node: contribution.node, digest: Digest(rawValue: digest),
                loss: loss))
        return packet
    }

    /// Carries the sockets to their thread.
    private struct Unchecked: @unchecked Sendable {
        let value: Ends
    }

    /// On each channel a router for the worker, and a dealer to the coordinator for each of the worker's lives.
    private final class Ends {
        let addresses: [String]
        private let context: MessagingContext
        private let coordinator: [String]
        private let routers: [Socket]
        private var dealers: [(life: Incarnation, sockets: [Socket])] = []

        init(control: String, bulk: String) throws {
            let context = try MessagingContext()
            self.context = context
            coordinator = [control, bulk]
            routers = try (0..<2).map { _ in
                try Socket(.router, context: context, options: .init(longestFrame: 1 << 24, queueLength: 1000))
            }
            addresses = try routers.map { try $0.bind("tcp://127.0.0.1:*") }
        }

        var sockets: [Socket] { routers + dealers.flatMap(\.sockets) }

        func pass(_ change: (Packet<WorkerMessage>) -> Packet<WorkerMessage>) {
            for (channel, router) in routers.enumerated() {
                while case .packet(let packet)? = router.receive(WorkerMessage.self) {
                    let life = packet.header.incarnation
                    if !dealers.contains(where: { $0.life == life }) { connect(life) }
                    _ = dealers.first { $0.life == life }?.sockets[channel].send(change(packet))
                }
            }
            for (life, sockets) in dealers {
                for (channel, dealer) in sockets.enumerated() {
                    while case .packet(let packet)? = dealer.receive(CoordinatorMessage.self) {
                        _ = routers[channel].send(packet, to: life)
                    }
                }
            }
        }

        private func connect(_ life: Incarnation) {
            let sockets = coordinator.compactMap { address in
                let socket = try? Socket(
                    .dealer(life), context: context, options: .init(longestFrame: 1 << 24, queueLength: 1000))
                try? socket?.connect(address)
                return socket
            }
            dealers.append((life, sockets))
        }
    }
}
