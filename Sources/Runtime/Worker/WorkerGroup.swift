import Common
import Coordination
import Logging
import Messaging
import Training

/// What a worker has to do with the others of its run, where they sum gradients among themselves: the sockets between them
/// (``PeerExchange``), and what is kept for the case that a group is given up (``GroupAnswers``). Nothing of it decides
/// anything.
final class WorkerGroup {
    /// A piece of new weights that another worker passed on.
    typealias Piece = (version: WeightsVersion, index: Int, frame: TensorFrame)

    private var exchange: PeerExchange?
    private var answers = GroupAnswers()
    private let meter: WorkerMeter
    private let log: Logger
    private var rejections = RejectionLog()

    init(meter: WorkerMeter, log: Logger) { (self.meter, self.log) = (meter, log) }

    /// Where parts and pieces come in; nil while this worker does not listen.
    var socket: Socket? { exchange?.socket }

    // MARK: Belonging to a run

    /// Listens for other workers, where the job has them sum. A worker that cannot takes part all the same, and then the
    /// coordinator sums.
    ///
    /// - Parameters:
    ///   - coordinator: the address to which this worker connects.
    ///   - pair: what the workers of this run prove to each other; nil where nothing is encrypted.
    ///   - news: raised when something has happened that ``receive(_:)`` takes care of.
    ///   - post: takes the sums, from any thread.
    /// - Returns: where others reach this worker; nil if nothing has changed, or they do not.
    func listen(
        _ data: WorkerData, towards coordinator: String, pair: CurveKeyPair?, news: WakeSignal,
        post: @escaping @Sendable (PeerExchange.Sum) -> Void
    ) -> String? {
        let settings = data.job.cluster
        guard settings.reduction == .workers, !data.layout.slices.isEmpty else { return nil }
        if let exchange, exchange.pair?.publicKey == pair?.publicKey { return nil }
        exchange = nil
        do {
            let made = try PeerExchange(
                listeningOn: PeerAddress.own(towards: coordinator), pair: pair, layout: data.layout,
                shards: settings.shards, precision: settings.precision, news: news, post: post)
            exchange = made
            return made.address
        } catch {
            log.warning("other workers cannot reach this one: \(SelMixError(describing: error))")
            return nil
        }
    }

    /// Forgets everything of an earlier life.
    func reset() {
        answers = GroupAnswers()
        exchange?.reset()
    }

    func close() { exchange = nil }

    // MARK: Receiving

    /// Messages that are handled before the other sockets have their turn.
    private static let messagesPerTurn = 4096

    /// Takes what other workers have sent.
    ///
    /// - Parameters:
    ///   - header: of this worker, in its present life.
    ///   - weights: that it holds.
    /// - Returns: pieces of weights. Parts are kept, and summed when they are complete.
    func receive(_ header: Header, holding weights: WeightsVersion?) -> [Piece] {
        guard let exchange else { return [] }
        var pieces: [Piece] = []
        for _ in 0..<Self.messagesPerTurn {
            guard let received = exchange.receive(header, holding: weights) else { break }
            switch received {
            case .part(let bytes): meter.bytesReceived.add(bytes, ordering: .relaxed)
            case .weightsPiece(let version, let index, let frame):
                meter.bytesReceived.add(UInt64(frame.bytes.count), ordering: .relaxed)
                pieces.append((version, index, frame))
            case .rejected(let rejection, let detail): reject(rejection, count: 1, detail)
            }
        }
        for refusal in exchange.takeRefusals() { reject(refusal.rejection, count: refusal.count, refusal.detail) }
        return pieces
    }

    private func reject(_ rejection: Rejection, count: Int, _ detail: String?) {
        meter.errors.add(UInt64(count), ordering: .relaxed)
        if let line = rejections.line(rejection, count: count, detail: detail) {
            log.warning("from other workers: \(line)")
        }
    }

    // MARK: Working

    /// An assignment has come: connects to its group, to whom from now on weights are passed on.
    func join(_ assignment: Assignment, as life: Incarnation) {
        guard let group = assignment.group else { return }
        do {
            try exchange?.join(group, as: life)
        } catch {
            // What is missed for that, the group's time-out sees to.
            log.warning("cannot connect to the other workers: \(error)")
        }
    }

    /// An assignment is begun.
    func begin(_ assignment: Assignment) { answers.begin(assignment) }

    /// Takes a slice of what was computed for an assignment.
    ///
    /// - Returns: whether it went to the group; otherwise it is for the coordinator.
    func take(_ slice: ContributionSlice, _ frame: TensorFrame, of assignment: Assignment, header: Header) -> Bool {
        guard answers.keep(.slice(slice, frame), of: assignment.number), let group = assignment.group,
            case .train(let step) = assignment.work, let exchange
        else { return false }
        for (index, piece) in exchange.pieces(of: slice.index, frame) {
            let part = GradientPart(step: step, node: slice.node, index: index)
            if let bytes = exchange.give(part, piece, in: group, header: header) {
                meter.bytesSent.add(bytes, ordering: .relaxed)
            } else {
                meter.errors.add(1, ordering: .relaxed)
            }
        }
        return true
    }

    /// Takes a contribution, which the coordinator gets in any case.
    func take(_ contribution: Contribution, _ frames: [TensorFrame]) {
        _ = answers.keep(.contribution(contribution, frames), of: contribution.assignment)
    }

    /// A contribution as it goes to the coordinator.
    func form(of contribution: Contribution) -> Contribution {
        answers.isForGroup(contribution.assignment) ? contribution : contribution.toCoordinator
    }

    /// From now on everything of this assignment goes to the coordinator.
    ///
    /// - Returns: what has been computed so far.
    func handIn(_ assignment: UInt64) -> [WorkerEngine.Output] { answers.handIn(assignment) }

    /// The weights have changed: what was computed with the ones before is not wanted again.
    func forget(allBut isHeld: (UInt64) -> Bool) { answers.keepOnly(isHeld) }

    /// Passes a piece of new weights on to all others.
    func passOn(_ index: Int, of version: WeightsVersion, _ frame: TensorFrame, header: Header) {
        guard let exchange else { return }
        let bytes = exchange.passOn(index, of: version, frame, header: header)
        meter.bytesSent.add(bytes, ordering: .relaxed)
    }
}
