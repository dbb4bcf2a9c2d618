import Common
import Coordination
import Dispatch
import Foundation
import Logging
import Messaging
import SelMix
import Training

/// The coordinating process: carries out what ``Coordinator`` decides.
///
/// One thread drives the sockets, the clock and the state machine; another does the numbers (``TrainingEngine``), so that
/// workers are heard while a gain is computed. They meet in the mailbox. Before a tick every message that has arrived is
/// handled, so that a pause of this process never looks like silence of the workers.
public final class CoordinatorShell {
    typealias CheckpointWriter = @Sendable (CheckpointState) throws -> Void
    /// Writes what a finished run leaves; on the compute thread.
    typealias ResultWriter = @Sendable (RunResult) throws -> RunReport

    public struct Addresses: Sendable {
        public var control: String
        public var bulk: String

        public init(control: String, bulk: String) {
            self.control = control
            self.bulk = bulk
        }
    }

    /// What reaches the network thread from the others.
    private enum Arrival: Sendable {
        case event(CoordinatorEvent)
        case selected(TrainingEngine.RoundResult)
        /// A slice of the weights that follow a step, in one attempt at making them.
        case sliceMade(WeightsVersion, index: Int, TensorFrame, attempt: Int)
        case stepped(StepResult, PublishedHead, StepTrace)
        /// A step was not taken, with what it would have been made from.
        case implausible(StepIndex, ImplausibleStep, [TreeNode: KeptContribution])
        /// A checkpoint was written, or could not be.
        case checkpointed(RoundIndex, SelMixError?)
        /// An answer to a worker that fetches files; nil to a request for what is not there.
        case served(Incarnation, CoordinatorMessage?, [TensorFrame])
        case recomputed(Contribution, ContributionPayload)
        case concluded(Conclusion)
    }

    /// A finished run, with the report that was written.
    struct Conclusion: Sendable {
        let result: RunResult
        let report: RunReport
    }

    /// What a message brought, checked.
    private enum Payload {
        /// And whose it is.
        case contribution(ContributionPayload, of: SliceIntake.Origin)
        case sum(TensorFrame)
    }

    /// The engine belongs to the compute queue until the run is over.
    private final class EngineBox: @unchecked Sendable {
        let engine: TrainingEngine
        init(_ engine: TrainingEngine) { self.engine = engine }
    }

    public let runID: RunID
    /// Where workers connect, with the ports that were picked.
    public let addresses: Addresses
    private let run: PreparedRun
    private let control: Socket
    private let bulk: Socket
    private let doorkeeper: Doorkeeper
    private let files: FileServer
    private let mailbox: Mailbox<Arrival>
    private let compute = DispatchQueue(label: "selmix.compute")
    private let box: EngineBox
    private let recomputation: Recomputation
    private let observer: any RunObserver
    private let checkpoints: CheckpointWriter
    private let log: Logger
    /// What goes with a welcome.
    private let welcomeFrames: [TensorFrame]
    private var core: Coordinator
    private let turns: FoldTurns
    private var weights: PublishedWeights
    private var exchange: StepExchange
    private var schedule: PairSchedule?
    /// Of the current selection, in the semi-supervised setting. They go out with every step's assignment, so that whoever is
    /// given a shard draws from the same.
    private var pseudoLabels: [TensorFrame] = []
    private var kept: [TreeNode: KeptContribution] = [:]
    private var makeResultWriter: (() -> ResultWriter)?
    private var conclusion: Conclusion?
    private var outcome: Outcome?
    /// Who was let go, and with what words.
    private var released: [Incarnation: CoordinatorMessage] = [:]
    private var rejections = RejectionLog()

    /// - Parameters:
    ///   - start: which run this is, and where it goes on.
    ///   - access: who may connect.
    ///   - mostConnections: how many connections there may be at a time.
    ///   - checkpoints: writes a round's state; called on the compute thread.
    init(
        _ run: PreparedRun, start: RunStart, listeningOn wanted: Addresses, access: Access, mostConnections: Int,
        observer: any RunObserver, checkpoints: @escaping CheckpointWriter, log: Logger
    ) throws {
        self.run = run
        self.observer = observer
        self.checkpoints = checkpoints
        self.log = log
        let job = run.job
        let mailbox = try Mailbox<Arrival>()
        self.mailbox = mailbox
        let context = try MessagingContext()
        files = FileServer(job)
        let door = try access.door(
            context: context, news: mailbox.signal, mostConnections: mostConnections, log: log)
        doorkeeper = door.keeper
        control = try Socket(
            .router, context: context,
            options: .init(longestFrame: 1 << 20, queueLength: 1000, security: door.security),
            doorkeeper: door.keeper)
        bulk = try Socket(
            .router, context: context,
            options: .init(longestFrame: Self.longestFrame(run), queueLength: Self.bulkQueue, security: door.security),
            doorkeeper: door.keeper)
        addresses = Addresses(control: try control.bind(wanted.control), bulk: try bulk.bind(wanted.bulk))
        var frames = [TensorFrame(name: "job", bytes: Array(try JSONEncoder().encode(job)))]
        if case .keys = access, job.cluster.reduction == .workers {
            // Made for this start alone; whoever may hear a welcome may have it.
            frames.append(TensorFrame(name: "peerKey", bytes: try CurveKeyPair.random().secretKey.bytes))
        }
        welcomeFrames = frames + run.twins.frames
        let engine = try TrainingEngine(run, resuming: start.state)
        box = EngineBox(engine)
        recomputation = Recomputation(job: job, twins: run.twins)
        exchange = StepExchange(shards: job.cluster.shards, pieces: run.layout.piecesOfSlice)
        let firstRound = start.state?.nextRound ?? RoundIndex(0)
        turns = FoldTurns(heads: job.selmix.folds)
        weights = PublishedWeights(
            version: WeightsVersion(firstRound.rawValue * job.selmix.stepsPerRound), engine.heads)
        runID = start.runID
        core = Coordinator(
            .init(
                runID: runID, epoch: start.epoch, shards: job.cluster.shards, rounds: job.selmix.rounds,
                stepsPerRound: job.selmix.stepsPerRound,
                timing: run.timing, minWorkers: job.cluster.minWorkers,
                workerWait: .seconds(job.cluster.workerWait),
                instructionSet: run.instructionSet, version: Version.current,
                matrixLibrary: InstructionSet.libraryVersion, probe: run.probe, tracesShards: job.trace == .shards,
                audit: AuditPlan(seed: job.seed, fraction: job.cluster.audit), quarantined: start.quarantined,
                firstRound: firstRound, refusesSlowWorkers: job.cluster.slowWorkers == .refuse,
                pieces: job.cluster.reduction == .workers ? run.layout.pieces.count : 0))
    }

    /// Asks the run to stop; from any thread.
    public var stopper: @Sendable (String) -> Void {
        { [mailbox] reason in mailbox.post(.event(.stopRequested(reason: reason))) }
    }

    /// Asks that a worker hands over and leaves; from any thread.
    public var drainer: @Sendable (_ worker: String, _ reason: String) -> Void {
        { [mailbox] worker, reason in mailbox.post(.event(.drainRequested(worker: worker, reason: reason))) }
    }

    /// Tells that a worker's process has ended; from any thread.
    public var workerEnded: @Sendable (_ worker: String, WorkerEnd) -> Void {
        { [mailbox] worker, end in mailbox.post(.event(.workerEnded(worker, end))) }
    }

    /// Tells that no worker is left and none will come; from any thread.
    public var workersGone: @Sendable (String) -> Void {
        { [mailbox] reason in mailbox.post(.event(.workersGone(reason: reason))) }
    }

    /// Ends the run with an error of this process; from any thread.
    public var aborter: @Sendable (SelMixError) -> Void {
        { [mailbox] error in mailbox.post(.event(.shellFailed(error))) }
    }

    /// Leads the run to its end, on the calling thread.
    ///
    /// - Parameter concluding: called on this thread when a run has come to its last step; what it returns writes the
    ///   results, before the workers are let go.
    /// - Returns: how it ended, with everything that a report needs; and the report of a run that finished.
    func lead(
        concluding: @escaping () -> ResultWriter
    ) throws -> (outcome: Outcome, result: RunResult, report: RunReport?) {
        makeResultWriter = concluding
        handle(.started)
        while outcome == nil {
            let next = core.nextDeadline.map { min($0, observer.nextTurn) } ?? observer.nextTurn
            Poller.wait([control, bulk], wake: mailbox.signal, timeout: next - SystemClock.now)
            receive(from: control)
            receive(from: bulk)
            countRefusedConnections()
            for arrival in mailbox.takeAll() { handle(arrival) }
            if let deadline = core.nextDeadline, SystemClock.now >= deadline { handle(.tick) }
            observer.turned(core)
        }
        sayGoodbye()
        if let conclusion { return (outcome!, conclusion.result, conclusion.report) }
        // The engine may still be at work for an interrupted run.
        let result = try compute.sync { try RunResult(box.engine) }
        return (outcome!, result, nil)
    }

    /// Keeps the connections for a moment, as ZeroMQ drops what a worker has not read when its connection ends. The last
    /// word is repeated until a worker is gone, which is how that shows.
    private func sayGoodbye() {
        control.linger(.seconds(1))
        let end = SystemClock.now + .seconds(1)
        while !released.isEmpty, SystemClock.now < end {
            Poller.wait([], wake: mailbox.signal, timeout: .milliseconds(10))
            for (worker, release) in released {
                let header = Header(runID: runID, epoch: core.configuration.epoch, worker: "", incarnation: worker)
                guard control.send(Packet(release, header: header), to: worker) == .unreachable else { continue }
                released[worker] = nil
            }
        }
    }

    /// Messages that are queued for one peer on the bulk socket: two steps' slices of the largest heads. A peer that stopped
    /// reading is given no new weights, so that more never gather.
    static let bulkQueue = 512

    /// The longest tensor that a worker may send: class feature sums in float64, or sparse counts of a whole validation.
    private static func longestFrame(_ run: PreparedRun) -> Int {
        let counts = min(run.classes * run.classes, run.validation.count) * 3 * 4
        let pseudoLabels = (run.unlabeled?.shape[0] ?? 0) * 4
        return max(1 << 20, run.classes * run.dimension * 8, counts, pseudoLabels)
    }

    // MARK: Events

    /// Messages of one socket that are handled before the other socket, the mailbox and the clock have their turn: more
    /// than workers ever leave waiting, so that only a flood is interrupted.
    private static let messagesPerTurn = 4096

    private func receive(from socket: Socket) {
        for _ in 0..<Self.messagesPerTurn {
            guard outcome == nil, let received = socket.receive(WorkerMessage.self) else { return }
            switch received {
            case .rejected(let error):
                reject(error.rejection, detail: error.reason)
            case .packet(let packet):
                if let rejection = core.rejection(of: packet.message, packet.header) {
                    reject(rejection, detail: "\(packet.message) from \(packet.header.worker)")
                    // Nothing of it may reach what another worker is about to complete.
                    if rejection == .otherSender { continue }
                }
                do {
                    let payload = try payload(of: packet)
                    handle(.received(packet.message, packet.header), payload: payload)
                } catch {
                    reject(
                        .badTensors,
                        detail: "\(packet.message) from \(packet.header.worker): "
                            + SelMixError(describing: error).message)
                    if case .contribution = packet.message { handle(.damaged(packet.header)) }
                }
            }
        }
    }

    private func countRefusedConnections() {
        for refusal in doorkeeper.takeRefusals() {
            reject(refusal.rejection, count: refusal.count, detail: refusal.detail)
        }
    }

    private func reject(_ rejection: Rejection, count: Int = 1, detail: String?) {
        observer.rejected(rejection, count: count)
        if let line = rejections.line(rejection, count: count, detail: detail) { log.warning("\(line)") }
    }

    /// What a message brings, checked before the state machine hears of it.
    ///
    /// - Throws: what is wrong with its tensors; a contribution that is dropped for that is asked for again.
    private func payload(of packet: Packet<WorkerMessage>) throws -> Payload? {
        let (incarnation, tensors) = (packet.header.incarnation, packet.tensors)
        switch packet.message {
        case .slice(let slice):
            // Others are late, or of a worker that was given up.
            guard core.awaits(slice.node, of: slice.assignment, from: incarnation) else { return nil }
            try exchange.intake.add(
                slice, tensors, from: incarnation, layout: run.layout, gradientType(of: slice.node))
            makeSlices()
            return nil
        case .sum(let sum):
            guard core.awaits(sum, from: incarnation) else { return nil }
            guard tensors.count == 1, run.layout.matches(run.layout.pieces[sum.index], tensors[0], .float32),
                tensors[0].digest == sum.digest.rawValue
            else { throw SelMixError(.cluster, "a sum of another shape or with another digest") }
            return .sum(tensors[0].aligned)
        case .contribution(let contribution):
            // What is late is only compared, by its digest.
            guard core.phase == .working(contribution.work) else { return nil }
            return try payload(of: contribution, tensors, from: incarnation)
        default:
            return nil
        }
    }

    /// A contribution's tensors, with the slices of them that came before.
    private func payload(
        of contribution: Contribution, _ tensors: [TensorFrame], from incarnation: Incarnation
    ) throws -> Payload {
        let key = SliceIntake.Key(
            incarnation: incarnation, assignment: contribution.assignment, node: contribution.node)
        switch contribution.work {
        case .train:
            let (origin, frames) = try exchange.intake.gradient(
                of: contribution, key, tensors, layout: run.layout, gradientType(of: contribution.node))
            return .contribution(.gradient(frames), of: origin)
        case .validate:
            guard tensors.digest == contribution.digest.rawValue else {
                throw SelMixError(.cluster, "tensors that do not have the announced digest")
            }
            return .contribution(
                .statistics(
                    try ValidationSums(
                        frames: tensors, classes: run.classes, dimension: run.dimension,
                        withFeatureSums: !core.haveFeatureSums,
                        samples: ValidationSums.sampleCount(
                            of: contribution.node, total: run.validation.count, shards: run.job.cluster.shards),
                        unlabeled: run.unlabeled.map {
                            ValidationSums.sampleCount(
                                of: contribution.node, total: $0.shape[0], shards: run.job.cluster.shards)
                        } ?? 0)),
                of: SliceIntake.Origin(key: key))
        }
    }

    /// The root of the reduction tree is never rounded.
    private func gradientType(of node: TreeNode) -> Precision {
        node == .root(shards: run.job.cluster.shards) ? .float32 : run.job.cluster.precision
    }

    private func handle(_ arrival: Arrival) {
        switch arrival {
        case .event(let event): handle(event)
        case .selected(let result):
            if let selection = result.selection {
                schedule = PairSchedule(selection.distribution, seed: run.job.seed, batch: run.job.batch)
                if !selection.pseudoLabels.isEmpty {
                    pseudoLabels = [
                        TensorFrame(
                            name: "pseudoLabels", shape: [selection.pseudoLabels.count], int32: selection.pseudoLabels)
                    ]
                }
            }
            observer.roundEnded(result)
            handle(
                .selected(
                    Selection(
                        round: RoundIndex(result.report.round),
                        digest: result.selection?.digest ?? Digest(rawValue: 0), converged: result.converged)))
        case .sliceMade(let version, let index, let frame, let attempt):
            guard attempt == exchange.attempt else { return }
            let head = turns.head(of: StepIndex(version.rawValue - 1))
            if let group = core.group {
                passOn(frame, index, of: version, in: group)
                return
            }
            for worker in exchange.participants where exchange.sent(of: version, to: worker) == index {
                if send(.weightsSlice(version, head: head, index: index), [frame], to: worker, over: bulk) == .sent {
                    exchange.recordSent(index + 1, of: version, to: worker)
                }
            }
        case .stepped(let result, let head, let trace):
            weights.advance(past: result.step, head)
            observer.stepTraced(trace)
            handle(.stepped(result))
            checkpoint(after: result.step)
            // The next assignments will bring these.
            _ = schedule?.pairs(of: result.step + 3)
        case .implausible(let step, let found, let contributions):
            kept = contributions
            exchange.reopen()
            handle(.implausible(step, found.nodes, found.error))
        case .checkpointed(let round, let error):
            observer.checkpointed(before: round, error: error)
        case .recomputed(let contribution, let content):
            // No worker has this incarnation, so that nothing made of others' slices passes for made of it.
            let key = SliceIntake.Key(
                incarnation: Incarnation(rawValue: 0), assignment: contribution.assignment, node: contribution.node)
            handle(.recomputed(contribution), payload: .contribution(content, of: SliceIntake.Origin(key: key)))
        case .concluded(let conclusion):
            self.conclusion = conclusion
            handle(.concluded)
        case .served(let worker, let message, let frames):
            if let message {
                send(message, frames, to: worker, over: bulk)
            } else {
                reject(.notOffered, detail: "by \(worker)")
            }
            handle(.served(worker))
        }
    }

    private func handle(_ event: CoordinatorEvent, payload: Payload? = nil) {
        for directive in core.step(event, at: SystemClock.now) { perform(directive, event, payload) }
    }

    // MARK: Directives

    private func perform(
        _ directive: CoordinatorDirective, _ event: CoordinatorEvent, _ payload: Payload?
    ) {
        switch directive {
        case .send(let message, let peer):
            if case .release = message { released[peer] = message }
            var frames: [TensorFrame] = []
            if case .welcome = message { frames = welcomeFrames }
            send(message, frames, to: peer, over: control)
        case .sendWeights(let version, let held, let peer):
            sendWeights(version, after: held, to: peer)
        case .assign(let assignment, let peer):
            send(.assign(assignment), plan(of: assignment), to: peer, over: bulk)
        case .keep(let node):
            kept[node] = contribution(in: event, payload)
        case .drop(let node): kept[node] = nil
        case .keepSum(let index): keepSum(index, event, payload)
        case .dropSums:
            exchange.dropSums()
            compute.async { [box] in box.engine.discardSlices() }
        case .recompute(let assignment): recompute(assignment)
        case .select(let round, let isLast): select(round, isLast: isLast)
        case .applyStep(let step): applyStep(step)
        case .listFiles(let worker):
            files.list { [mailbox] in mailbox.post(.served(worker, $0, $1)) }
        case .serve(let chunk, let worker):
            files.read(chunk) { [mailbox] in mailbox.post(.served(worker, $0?.0, $0?.1 ?? [])) }
        case .record(let event): observer.happened(event)
        case .conclude: conclude()
        case .finish(let outcome): self.outcome = outcome
        }
    }

    private func contribution(in event: CoordinatorEvent, _ payload: Payload?) -> KeptContribution {
        let (contribution, giver): (Contribution, String) =
            switch event {
            case .received(.contribution(let contribution), let header): (contribution, header.worker)
            case .recomputed(let contribution): (contribution, "coordinator")
            // The state machine keeps only what it counts or settles, which are these two events.
            default: preconditionFailure("nothing to keep in \(event)")
            }
        // `payload(of:)` makes one of every contribution to open work, and only those are counted.
        guard case .contribution(let content, let origin) = payload else {
            preconditionFailure("no tensors with \(event)")
        }
        return KeptContribution(
            payload: content, loss: contribution.loss, digest: contribution.digest, origin: origin, giver: giver,
            arrival: SystemClock.now)
    }

    private func keepSum(_ index: Int, _ event: CoordinatorEvent, _ payload: Payload?) {
        // `payload(of:)` asks the state machine whether it awaits the sum; it keeps only those.
        guard case .received(.sum(let sum), _) = event, case .sum(let frame) = payload else {
            preconditionFailure("no sum in \(event)")
        }
        exchange.add(frame, of: index)
        makeSlices(of: sum.step)
    }

    /// Sends what a worker that holds some version lacks of the current weights.
    private func sendWeights(_ version: WeightsVersion, after held: WeightsVersion?, to peer: Incarnation) {
        // The state machine's version and these weights change together, in `.stepped`.
        precondition(version == weights.version, "weights \(version) are wanted, and \(weights.version) current")
        let slices = run.layout.slices
        let included = weights.trained(after: held)
        // Of the head that the last step trained, slices may have gone out while it was made.
        let newest = version.rawValue > 0 ? turns.head(of: StepIndex(version.rawValue - 1)) : nil
        for head in included {
            let begun = head == newest ? exchange.sent(of: version, to: peer) : 0
            for index in begun..<slices.count {
                send(
                    .weightsSlice(version, head: head, index: index),
                    [weights.values[head].frame(of: slices[index])], to: peer, over: bulk)
            }
        }
        send(
            .weights(
                version, weights.digest(of: included), passedOn: exchange.isPassedOn(version, to: peer), after: held),
            included.flatMap { weights.values[$0].wholeFrames }, to: peer, over: bulk)
        exchange.forgetSent(to: peer)
    }

    /// Sends a slice of new weights to a group, each piece to one who gives it to the others, as long as all have those before.
    private func passOn(_ frame: TensorFrame, _ index: Int, of version: WeightsVersion, in group: ReductionGroup) {
        guard group.members.allSatisfy({ exchange.sent(of: version, to: $0.life) == index }) else { return }
        for (piece, part) in zip(run.layout.piecesOfSlice[index], run.layout.pieces(of: index, frame)) {
            let relay = group.reducer(of: piece).life
            guard send(.weightsPiece(version, index: piece), [part], to: relay, over: bulk) == .sent else { return }
        }
        exchange.recordPassedOn(index + 1, of: version, in: group)
    }

    @discardableResult
    private func send(
        _ message: CoordinatorMessage, _ frames: [TensorFrame], to peer: Incarnation, over socket: Socket
    ) -> Socket.SendOutcome {
        let header = Header(runID: runID, epoch: core.configuration.epoch, worker: "", incarnation: peer)
        let result = socket.send(Packet(message, header: header, tensors: frames), to: peer)
        // Not an error: the state machine repeats what gets no answer, and gives up whoever is gone.
        if result != .sent { log.debug("could not send to \(peer): \(result)") }
        return result
    }

    /// The class pairs of an assignment's slots, shard by shard, as [slots, 2] of (label, partner); within a round also those of
    /// the step after, so that the worker can prepare it; and the pseudo-labels.
    private func plan(of assignment: Assignment) -> [TensorFrame] {
        guard case .train(let step) = assignment.work else { return [] }
        func frame(_ name: String, _ step: StepIndex) -> TensorFrame {
            let values = pairs(of: assignment.shards, step: step).flatMap { [Int32($0.label), Int32($0.partner)] }
            return TensorFrame(name: name, shape: [values.count / 2, 2], int32: values)
        }
        let endsRound = (step + 1).rawValue.isMultiple(of: run.job.selmix.stepsPerRound)
        return [frame("pairs", step)] + (endsRound ? [] : [frame("nextPairs", step + 1)]) + pseudoLabels
    }

    private func pairs(of shards: [ShardID], step: StepIndex) -> [ClassPair] {
        // The state machine opens no step before a selection, which brings the schedule.
        guard let pairs = schedule?.pairs(of: step) else {
            preconditionFailure("step \(step) before the first selection")
        }
        let slots = run.job.batch / run.job.cluster.shards
        return shards.flatMap { pairs[$0.rawValue * slots..<($0.rawValue + 1) * slots] }
    }

    /// Computes what a worker would, with this machine's own copy of the data.
    private func recompute(_ assignment: Assignment) {
        var pairs: [ClassPair] = []
        if case .train(let step) = assignment.work { pairs = self.pairs(of: assignment.shards, step: step) }
        let labels = pseudoLabels.first.map { $0.values(as: Int32.self, zero: 0) } ?? []
        compute.async { [mailbox, recomputation, heads = weights.values, pairs, box] in
            do {
                let (contribution, content) = try recomputation.compute(
                    assignment, heads: heads, pairs: pairs, pseudoLabels: labels)
                if let divergence = box.engine.divergence(contribution, content) { throw divergence }
                mailbox.post(.recomputed(contribution, content))
            } catch {
                mailbox.post(.event(.shellFailed(SelMixError(describing: error))))
            }
        }
    }

    /// Behind the last checkpoint on the compute queue, while heartbeats are answered.
    private func conclude() {
        // `lead` sets it before its first event.
        guard let write = makeResultWriter?() else { preconditionFailure("nobody writes the results") }
        onComputeQueue { engine in
            let result = try RunResult(engine)
            return .concluded(Conclusion(result: result, report: try write(result)))
        }
    }

    private func select(_ round: RoundIndex, isLast: Bool) {
        let contributions = takeKept()
        onComputeQueue { engine in
            let root = TreeNode.root(shards: engine.run.job.cluster.shards)
            let sums = root.reduce(
                { contributions[$0]?.statistics },
                add: { left, right in
                    var sum = left
                    sum.add(right)
                    return sum
                })
            return .selected(try engine.select(round, sums: sums, isLast: isLast))
        }
    }

    /// Hands slices of the new weights to the compute thread, as far as their gradients are there.
    private func makeSlices() {
        guard case .working(.train(let step)) = core.phase else { return }
        makeSlices(of: step)
    }

    private func makeSlices(of step: StepIndex) {
        let version = WeightsVersion(step.rawValue + 1)
        while let gradients = exchange.nextSlice() {
            let (index, attempt) = (exchange.begun - 1, exchange.attempt)
            onComputeQueue { engine in
                .sliceMade(version, index: index, try engine.makeSlice(of: step, gradients), attempt: attempt)
            }
        }
    }

    private func applyStep(_ step: StepIndex) {
        let contributions = takeKept()
        let tracesShards = run.job.trace == .shards
        let isBegunRight = exchange.complete(with: contributions)
        onComputeQueue { [turns] engine in
            if !isBegunRight { engine.discardSlices() }
            let (result, published): (StepResult, PublishedHead)
            do {
                (result, published) = try engine.applyStep(step, contributions: contributions)
            } catch let found as ImplausibleStep {
                return .implausible(step, found, contributions)
            }
            var trace = StepTrace(contributions)
            if tracesShards { trace.trace(contributions, tensors: engine.heads[turns.head(of: step)].digests) }
            return .stepped(result, published, trace)
        }
    }

    /// At the end of a round: behind the step on the compute queue, while the workers validate already. Called once the step
    /// is in the event log, which the checkpoint makes durable first: a run that goes on from here does not take the step
    /// again. A checkpoint that cannot be written is reported, and the run goes on: the one before is still there.
    private func checkpoint(after step: StepIndex) {
        let (rounds, rest) = (step + 1).rawValue.quotientAndRemainder(dividingBy: run.job.selmix.stepsPerRound)
        guard rest == 0 else { return }
        let round = RoundIndex(rounds)
        compute.async { [mailbox, box, checkpoints] in
            // A step that was not taken has no weights to go on from.
            guard box.engine.lastStep == step, let state = box.engine.state(before: round) else { return }
            do {
                try checkpoints(state)
                mailbox.post(.checkpointed(round, nil))
            } catch {
                mailbox.post(.checkpointed(round, SelMixError(describing: error)))
            }
        }
    }

    private func takeKept() -> [TreeNode: KeptContribution] {
        defer { kept = [:] }
        return kept
    }

    private func onComputeQueue(_ body: @escaping @Sendable (TrainingEngine) throws -> Arrival) {
        compute.async { [mailbox, box] in
            do {
                mailbox.post(try body(box.engine))
            } catch {
                mailbox.post(.event(.shellFailed(SelMixError(describing: error))))
            }
        }
    }
}
