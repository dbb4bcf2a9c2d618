import Common
import Coordination
import Dispatch
import Foundation
import Logging
import Messaging
import SelMix
import Training

/// The worker process: carries out what ``WorkerSession`` decides.
///
/// One thread drives the sockets and the session, another computes, so that heartbeats go on during a long product. They
/// meet in the mailbox.
public final class WorkerShell {
    public struct Options: Sendable {
        public var controlAddress: String
        public var bulkAddress: String
        public var name: String
        public var timing: Timing
        public var security: SocketSecurity
        public var data: WorkerStorage
        /// Which of the processors that this process may run on computes; nil: any.
        public var core: Int?

        public init(
            controlAddress: String, bulkAddress: String, name: String, timing: Timing,
            security: SocketSecurity = .none, data: WorkerStorage = WorkerStorage(), core: Int? = nil
        ) {
            self.core = core
            self.data = data
            self.security = security
            self.controlAddress = controlAddress
            self.bulkAddress = bulkAddress
            self.name = name
            self.timing = timing
        }
    }

    /// What reaches the network thread from the others.
    private enum Arrival: Sendable {
        case session(WorkerEvent)
        case reach(TCPEndpoint.Reach)
        case loaded(WorkerData, probe: Digest, SelfTest)
        /// Computed under a generation of the session, with the tensors to send.
        case computed(WorkerEngine.Output, generation: UInt64)
        case assignmentDone(UInt64, generation: UInt64)
        case summed(PieceSum, TensorFrame)
        case staging(StagingEvent)
        /// All files are here: where each lies.
        case staged([String: String])
    }

    private let options: Options
    /// Where to compute; nil: anywhere.
    private let processor: Int?
    private let context: MessagingContext
    private let doorkeeper: Doorkeeper
    private let mailbox: Mailbox<Arrival>
    private let progress = WorkerEngine.Progress()
    private let meter = WorkerMeter()
    private var selfTest: SelfTest?
    /// From hello to welcome.
    private var greetingTime = Duration.zero
    private let compute = DispatchQueue(label: "selmix.compute")
    private let log: Logger
    private var session: WorkerSession
    private var control: Socket?
    private var bulk: Socket?
    private var data: WorkerData?
    private var engine: EngineBox?
    private var job: Job?
    /// Equal rows of the job's data, as the coordinator found them.
    private var twins = RowTwins.none
    /// What the job is to be loaded with; its files may be on their way.
    private var welcome: Welcome?
    private var staging: WorkerStaging?
    /// All heads of the run.
    private var weights: (version: WeightsVersion, heads: [PackedParameters])?
    private var weightsIntake: WeightsIntake?
    /// Unlabelled samples by pseudo-label, with the digest of the labels.
    private var pools: (digest: UInt64, pools: UnlabeledPools)?
    private let group: WorkerGroup
    /// What workers that sum among themselves prove to each other.
    private var peerPair: CurveKeyPair?
    /// Weights that wait for pieces from other workers, and the work with them.
    private var waitingForPieces: [Packet<CoordinatorMessage>] = []
    private var plans: [UInt64: Plan] = [:]
    /// The tensors of contributions that the session decides about.
    private var computed: [Contribution.Key: [TensorFrame]] = [:]
    private var exit: WorkerExit?
    /// The last failed handshake that was told.
    private var told: String?
    private var reach: CoordinatorReach
    /// When to connect afresh.
    private var reconnection: Instant?
    /// A hello or a readiness that waits for the sockets to be connected.
    private var waitingForConnection: WorkerMessage?

    /// Hands the engine to the compute queue, the only place that uses it.
    private final class EngineBox: @unchecked Sendable {
        private let made: WorkerEngine
        private let processor: Int?
        private var thread: pthread_t?

        init(_ engine: WorkerEngine, processor: Int?) { (made, self.processor) = (engine, processor) }

        /// On the compute queue, whose thread may change from one piece of work to the next.
        var engine: WorkerEngine {
            if let processor, thread != pthread_self() {
                ProcessorPlacement.keepThread(on: processor)
                thread = pthread_self()
            }
            return made
        }
    }

    /// What a worker opens besides what is open when it starts: measured 20, and some files.
    private static let descriptors = 28

    public init(_ options: Options, log: Logger) throws {
        self.options = options
        self.log = log
        processor = try options.core.map { core in
            let allowed = ProcessorPlacement.allowed
            guard allowed.indices.contains(core) else {
                throw SelMixError(
                    .invalidInput, "--core \(core): this worker may run on \(allowed.count) processors",
                    hint: "count from 0, or leave --core out")
            }
            return allowed[core]
        }
        group = WorkerGroup(meter: meter, log: log)
        reach = CoordinatorReach(options.controlAddress)
        try OpenFiles.require(Self.descriptors, for: "a worker")
        try SystemThread.require(ProcessLimits.workerThreads)
        mailbox = try Mailbox()
        context = try MessagingContext()
        doorkeeper = try Doorkeeper(context: context, news: mailbox.signal)
        session = WorkerSession(
            .init(
                name: options.name,
                hello: Hello(
                    version: Version.current, host: ProcessInfo.processInfo.hostName, processID: getpid(),
                    instructionSet: InstructionSet.best, matrixLibrary: InstructionSet.libraryVersion),
                timing: options.timing, seed: .random(in: .min ... .max)))
    }

    /// Asks the worker to hand over and leave; from any thread.
    public var stopper: @Sendable (String) -> Void {
        { [mailbox] reason in mailbox.post(.session(.stopRequested(reason: reason))) }
    }

    /// Works until the coordinator lets this worker go, on the calling thread.
    public func run() throws {
        perform(session.step(.started, at: SystemClock.now))
        while exit == nil {
            var wait = session.nextDeadline.map { $0 - SystemClock.now }
            for deadline in [staging?.nextDeadline, reconnection].compactMap({ $0 }) {
                let left = deadline - SystemClock.now
                wait = min(wait ?? left, left)
            }
            if waitingForConnection != nil || staging?.hasStarted == false {
                wait = min(wait ?? Self.connectionPoll, Self.connectionPoll)
            }
            Poller.wait([control, bulk, group.socket].compactMap { $0 }, wake: mailbox.signal, timeout: wait)
            if let message = waitingForConnection { send(message) }
            if let staging, !staging.hasStarted, bulk?.canSend == true { staging.start() }
            receive(from: \.control)
            receive(from: \.bulk)
            for piece in group.receive(session.header, holding: session.weights) {
                takePiece(piece.index, of: piece.version, [piece.frame])
            }
            tellFailedHandshakes()
            lookForCoordinator()
            for arrival in mailbox.takeAll() { handle(arrival) }
            if let deadline = reconnection, SystemClock.now >= deadline {
                reconnection = nil
                connect(as: session.incarnation)
            }
            if let deadline = staging?.nextDeadline, SystemClock.now >= deadline { staging?.handle(.tick) }
            if let deadline = session.nextDeadline, SystemClock.now >= deadline {
                handle(.tick(blocks: progress.blocks.load(ordering: .relaxed)))
            }
        }
        progress.generation.add(1, ordering: .relaxed)
        control?.linger(.milliseconds(500))
        control = nil
        bulk = nil
        group.close()
        if case .failed(let error) = exit { throw error }
    }

    // MARK: Events

    private func receive(from socket: KeyPath<WorkerShell, Socket?>) {
        // A message may replace the sockets, and what the old ones still hold is not wanted then.
        while exit == nil, let current = self[keyPath: socket], let received = current.receive(CoordinatorMessage.self)
        {
            switch received {
            case .rejected(let error):
                meter.errors.add(1, ordering: .relaxed)
                log.warning("dropped a message: \(error)")
            case .packet(let packet):
                meter.bytesReceived.add(packet.byteCount, ordering: .relaxed)
                guard session.accepts(packet.header) else { continue }
                hearAnswer(packet.message)
                if !waitsForPieces(packet) { accept(packet) }
            }
        }
    }

    private func accept(_ packet: Packet<CoordinatorMessage>) {
        guard take(packet) else { return }
        let before = session.weights
        handle(.received(packet.message, packet.header))
        staging?.receive(packet)
        guard case .weights = packet.message else { return }
        // New weights end what waited for older ones, and what was kept of it.
        plans = plans.filter { session.holds($0.key) }
        if session.weights != before { group.forget(allBut: session.holds) }
    }

    // MARK: Weights that other workers pass on

    /// Keeps a piece of new weights. The last missing one ends the wait of what came after it from the coordinator.
    private func takePiece(_ index: Int, of version: WeightsVersion, _ tensors: [TensorFrame]) {
        if let made = weightsIntake?.add(piece: index, of: version, tensors) { prepare(made) }
        guard let first = waitingForPieces.first, case .weights(let awaited, _, _, _) = first.message,
            weightsIntake?.isFull(awaited) == true
        else { return }
        let packets = waitingForPieces
        waitingForPieces = []
        for packet in packets where !waitsForPieces(packet) { accept(packet) }
    }

    /// Whether this has to wait for pieces of weights that come from other workers; it is kept then. Weights that the
    /// coordinator sends whole end the wait: it has seen that this worker lacks them.
    private func waitsForPieces(_ packet: Packet<CoordinatorMessage>) -> Bool {
        switch packet.message {
        case .weights(let version, _, let passedOn, _):
            waitingForPieces = []
            guard passedOn, weightsIntake?.isFull(version) == false else { return false }
        case .assign where !waitingForPieces.isEmpty && waitingForPieces.count < Self.mostWaiting: break
        default: return false
        }
        waitingForPieces.append(packet)
        return true
    }

    /// Far more than a coordinator has to say to a worker without its weights.
    private static let mostWaiting = 64

    private func listenForPeers(_ data: WorkerData) {
        let address = group.listen(
            data, towards: options.bulkAddress, pair: peerPair, news: mailbox.signal,
            post: { [mailbox] in mailbox.post(.summed($0.sum, $0.frame)) })
        if let address { handle(.listening(peerAddress: address)) }
    }

    /// Tells how long an answer took.
    private func hearAnswer(_ message: CoordinatorMessage) {
        switch message {
        case .welcome: greetingTime = meter.answered(at: SystemClock.now) ?? greetingTime
        case .alive: meter.answered(at: SystemClock.now)
        default: break
        }
    }

    /// Keeps the tensors of a message.
    ///
    /// - Returns: false when they are not what the message needs; it is dropped then, and will be repeated.
    private func take(_ packet: Packet<CoordinatorMessage>) -> Bool {
        switch packet.message {
        case .welcome:
            guard let frame = packet.tensors[named: "job"] else { return false }
            do {
                job = try Job(checking: Data(frame.bytes))
                twins = try RowTwins(packet.tensors)
                peerPair = try packet.tensors[named: "peerKey"].flatMap { CurveKey(bytes: $0.bytes) }
                    .map { try CurveKeyPair(secretKey: $0) }
                if let data { listenForPeers(data) }
                return true
            } catch {
                handle(.loadFailed(SelMixError(.cluster, "the coordinator's job is unreadable", cause: "\(error)")))
                return false
            }
        case .weights(let version, let digest, _, let earlier):
            guard let heads = weightsIntake?.complete(version, digest, packet.tensors, after: earlier) else {
                log.warning("weights \(version) arrived incomplete or damaged and are dropped")
                return false
            }
            weights = (version, heads)
            return true
        case .weightsSlice(let version, let head, let index):
            if let made = weightsIntake?.add(slice: index, of: version, head: head, packet.tensors) { prepare(made) }
            return true
        case .weightsPiece(let version, let index):
            if let frame = packet.tensors.first { group.passOn(index, of: version, frame, header: session.header) }
            takePiece(index, of: version, packet.tensors)
            return true
        case .assign(let assignment):
            guard let data, assignment.shards.allSatisfy({ $0.rawValue < data.job.cluster.shards }),
                session.agreesWithHeld(assignment)
            else { return false }
            guard case .train = assignment.work else {
                return weights?.heads.allSatisfy { $0.precision == .float32 } == true
            }
            guard let plan = plan(of: assignment, packet.tensors, data) else { return false }
            plans[assignment.number] = plan
            group.join(assignment, as: session.incarnation)
            return true
        default:
            return true
        }
    }

    /// What a step's assignment brings: the class pairs of its slots, shard by shard, and with unlabelled data the
    /// pseudo-labels of the selection.
    private struct Plan {
        var pairs: [ClassPair]
        /// Of the same shards in the step after; empty at the end of a round.
        var nextPairs: [ClassPair] = []
        var unlabeled: UnlabeledPools?

        /// What is likely to be asked for next.
        func next(after assignment: Assignment) -> WorkerEngine.NextStep? {
            guard case .train(let step) = assignment.work, !nextPairs.isEmpty else { return nil }
            return .init(
                step: step + 1, selection: assignment.selection, shards: assignment.shards, pairs: nextPairs,
                unlabeled: unlabeled)
        }
    }

    /// - Returns: nil where the tensors are not what the assignment needs.
    private func plan(of assignment: Assignment, _ tensors: [TensorFrame], _ data: WorkerData) -> Plan? {
        func pairs(_ name: String) -> [ClassPair]? {
            guard let frame = tensors[named: name], frame.type == .int32 else { return nil }
            let values = frame.values(as: Int32.self, zero: 0)
            let pairs = stride(from: 0, to: values.count - 1, by: 2).map {
                ClassPair(label: Int(values[$0]), partner: Int(values[$0 + 1]))
            }
            let (range, slots) = (0..<data.classes, data.job.batch / data.job.cluster.shards)
            let isRight =
                pairs.count == assignment.shards.count * slots
                && pairs.allSatisfy { range.contains($0.label) && range.contains($0.partner) }
            return isRight ? pairs : nil
        }
        guard let current = pairs("pairs") else { return nil }
        var plan = Plan(pairs: current, nextPairs: pairs("nextPairs") ?? [])
        guard let features = data.unlabeled else { return plan }
        guard let labels = tensors[named: "pseudoLabels"], let pools = pools(of: features, labels: labels, data)
        else { return nil }
        plan.unlabeled = pools
        return plan
    }

    /// The pools of these pseudo-labels; made once a round, as all its assignments bring the same.
    private func pools(of features: StoredTensor, labels frame: TensorFrame, _ data: WorkerData) -> UnlabeledPools? {
        let digest = [frame].digest
        if let pools, pools.digest == digest { return pools.pools }
        guard frame.type == .int32, frame.shape == [features.shape[0]] else { return nil }
        let labels = frame.values(as: Int32.self, zero: 0)
        guard labels.allSatisfy({ (0..<Int32(data.classes)).contains($0) }) else { return nil }
        let made = UnlabeledPools(
            features: features, labels: labels, classes: data.classes, shards: data.job.cluster.shards)
        pools = (digest, made)
        return made
    }

    private func handle(_ arrival: Arrival) {
        let generation = progress.generation.load(ordering: .relaxed)
        switch arrival {
        case .session(let event): handle(event)
        case .reach(let found):
            switch reach.take(found, at: SystemClock.now) {
            case .nothing: break
            case .reconnect: connect(as: session.incarnation)
            case .report(let reason):
                log.warning("cannot reach the coordinator at \(reason); still trying")
                handle(.coordinatorOutOfReach(reason: reason))
            }
        case .loaded(let data, let probe, var test):
            test.roundTrip = greetingTime.seconds
            selfTest = test
            do {
                engine = EngineBox(try WorkerEngine(data: data, progress: progress), processor: processor)
                self.data = data
                weightsIntake = WeightsIntake(layout: data.layout, heads: data.turns.heads)
                listenForPeers(data)
                handle(.loaded(probe: probe))
            } catch {
                handle(.loadFailed(SelMixError(describing: error)))
            }
        case .computed(let output, let computedUnder):
            guard computedUnder == generation else { return }
            deliver(output)
        case .summed(let sum, let frame):
            sent(Packet(.sum(sum), header: session.header, tensors: [frame]), over: bulk)
        case .staging(let event):
            staging?.handle(event)
            if let progress = staging?.progress { handle(.staging(progress)) }
        case .staged(let places): load(places)
        case .assignmentDone(let number, let computedUnder):
            guard computedUnder == generation else { return }
            plans[number] = nil
            meter.handedOver(at: SystemClock.now)
            handle(.assignmentDone(number))
        }
    }

    private func deliver(_ output: WorkerEngine.Output) {
        switch output {
        case .slice(let slice, let frame):
            guard let assignment = session.assignment(slice.assignment) else { return }
            if !group.take(slice, frame, of: assignment, header: session.header) {
                sent(Packet(.slice(slice), header: session.header, tensors: [frame]), over: bulk)
            }
        case .contribution(let contribution, let frames):
            group.take(contribution, frames)
            computed[contribution.key] = frames
            handle(.computed(contribution))
            computed[contribution.key] = nil
        }
    }

    private func handle(_ event: WorkerEvent) { perform(session.step(event, at: SystemClock.now)) }

    // MARK: Directives

    private func perform(_ directives: [WorkerDirective]) {
        for directive in directives {
            switch directive {
            case .connect(let incarnation): connect(as: incarnation)
            case .send(let message): send(message)
            case .sendContribution(let contribution):
                // The session only ever asks for what `deliver` has just given it.
                guard let frames = computed[contribution.key] else {
                    preconditionFailure("no tensors of \(contribution)")
                }
                send(contribution, frames)
            case .load(let welcome): load(welcome)
            case .compute(let assignment): start(assignment)
            case .handIn(let number): handIn(number)
            case .reset:
                progress.generation.add(1, ordering: .relaxed)
                weights = nil
                weightsIntake = data.map { WeightsIntake(layout: $0.layout, heads: $0.turns.heads) }
                waitingForPieces = []
                group.reset()
                plans = [:]
            case .exit(let exit): self.exit = exit
            }
        }
    }

    private func connect(as incarnation: Incarnation) {
        do {
            control = nil
            bulk = nil
            waitingForConnection = nil
            let control = try Socket(
                .dealer(incarnation), context: context,
                options: .init(longestFrame: 1 << 20, queueLength: 1000, security: options.security),
                doorkeeper: doorkeeper)
            // A worker trusts its coordinator with memory: frames are as long as the model is.
            let bulk = try Socket(
                .dealer(incarnation), context: context,
                options: .init(
                    longestFrame: 1 << 36, queueLength: CoordinatorShell.bulkQueue, security: options.security),
                doorkeeper: doorkeeper)
            try control.connect(options.controlAddress, overIPv6: reach.usesIPv6)
            try bulk.connect(options.bulkAddress, overIPv6: reach.usesIPv6)
            (self.control, self.bulk) = (control, bulk)
            reach.connecting(at: SystemClock.now)
        } catch {
            exit = .failed(SelMixError(describing: error))
        }
    }

    /// Passes on why no connection comes about, so that whoever started the worker need not wait to learn it.
    private func tellFailedHandshakes() {
        for refusal in doorkeeper.takeRefusals() {
            guard let reason = HandshakeAdvice(refusal.rejection, security: options.security) else { continue }
            reach.reached(at: SystemClock.now)
            if told != reason.text { log.warning("no connection to the coordinator: \(reason.text)") }
            told = reason.text
            // ZeroMQ does not try again by itself after such an end.
            if !reason.mayPass { reconnection = SystemClock.now + options.timing.helloInterval }
            handle(.connectionRefused(reason: reason.text, retry: reason.mayPass))
        }
    }

    /// Looks why no connection comes about, while none does.
    private func lookForCoordinator() {
        let now = SystemClock.now
        if control?.canSend == true {
            reach.connecting(at: now)
        } else {
            reach.look(at: now) { [mailbox] in mailbox.post(.reach($0)) }
        }
    }

    private static let connectionPoll = Duration.milliseconds(5)

    private func send(_ message: WorkerMessage) {
        waitingForConnection = nil
        let needsConnection =
            switch message {
            case .hello: control?.canSend == false
            // Work comes over the bulk socket, so the coordinator may count on this worker only once that is connected too.
            case .heartbeat(let heartbeat): heartbeat.phase != .loading && bulk?.canSend == false
            default: false
            }
        if needsConnection {
            waitingForConnection = message
            return
        }
        var message = message
        switch message {
        case .hello: meter.asked(at: SystemClock.now)
        case .heartbeat(var heartbeat):
            heartbeat.telemetry = meter.telemetry(at: SystemClock.now)
            heartbeat.selfTest = selfTest
            message = .heartbeat(heartbeat)
            meter.asked(at: SystemClock.now)
        default: break
        }
        sent(Packet(message, header: session.header), over: control)
    }

    private func send(_ contribution: Contribution, _ frames: [TensorFrame]) {
        sent(Packet(.contribution(group.form(of: contribution)), header: session.header, tensors: frames), over: bulk)
    }

    private func sent(_ packet: Packet<WorkerMessage>, over socket: Socket?) {
        if socket?.send(packet) == .sent {
            meter.bytesSent.add(packet.byteCount, ordering: .relaxed)
        } else {
            meter.errors.add(1, ordering: .relaxed)
        }
    }

    /// Sends all that was computed for a group that is given up.
    private func handIn(_ assignment: UInt64) {
        for output in group.handIn(assignment) {
            switch output {
            case .slice(let slice, let frame):
                sent(Packet(.slice(slice), header: session.header, tensors: [frame]), over: bulk)
            case .contribution(let contribution, let frames): send(contribution, frames)
            }
        }
    }

    private func load(_ welcome: Welcome) {
        // `take` lets no welcome pass to the session that brings none.
        guard let job else { preconditionFailure("a welcome without a job") }
        self.welcome = welcome
        guard job.cluster.staging != .never else {
            load(options.data.root.places(of: job.workerFiles))
            return
        }
        staging = WorkerStaging(
            job, roots: options.data.root, cache: options.data.cache,
            // No sooner than a slow disk may take to read or to write a window.
            retryInterval: options.timing.failureTimeout * 2, queue: compute, log: log,
            actions: .init(
                send: { [unowned self] message in
                    _ = bulk?.send(Packet(message, header: session.header))
                },
                post: { [mailbox] in mailbox.post(.staging($0)) }, done: { [mailbox] in mailbox.post(.staged($0)) },
                fail: { [unowned self] in handle(.loadFailed($0)) }))
    }

    /// Loads the job with files that lie at these places.
    private func load(_ places: [String: String]) {
        // Files are only asked for by the load that a welcome began.
        guard let job, let welcome else { preconditionFailure("files without a job") }
        compute.async { [mailbox, twins] in
            do {
                try InstructionSet.use(welcome.instructionSet)
                let data = try WorkerData(job: job.reading(places), twins: twins)
                let probe = Digest(rawValue: try InstructionSet.probe())
                let test = try SelfTest.measure(features: data.trainFeatures)
                try MappedFiles.checkIntact()
                mailbox.post(.loaded(data, probe: probe, test))
            } catch {
                mailbox.post(.session(.loadFailed(SelMixError(describing: error))))
            }
        }
    }

    private func start(_ assignment: Assignment) {
        // The session begins nothing before it is loaded, and only with the weights that it was last given.
        guard let engine, let weights, weights.version == assignment.weights else {
            handle(.computeFailed(SelMixError(.failed, "\(assignment) without its weights")))
            return
        }
        let plan = plans[assignment.number] ?? Plan(pairs: [])
        group.begin(assignment)
        let generation = progress.generation.load(ordering: .relaxed)
        compute.async { [mailbox, meter, progress, heads = weights.heads] in
            do {
                try meter.measure(samples: plan.pairs.count, gathered: { engine.engine.takeGatherTime() }) {
                    try engine.engine.compute(
                        assignment, heads: heads, pairs: plan.pairs, unlabeled: plan.unlabeled,
                        isWanted: { progress.generation.load(ordering: .relaxed) == generation },
                        deliver: { output in
                            // Nothing that was made of missing data goes out; that it is missing is said below.
                            guard (try? MappedFiles.checkIntact()) != nil else { return }
                            mailbox.post(.computed(output, generation: generation))
                        })
                }
                try MappedFiles.checkIntact()
                mailbox.post(.assignmentDone(assignment.number, generation: generation))
                guard let next = plan.next(after: assignment) else { return }
                try meter.measureAhead {
                    try engine.engine.prepare(
                        next, heads: heads,
                        isWanted: { progress.generation.load(ordering: .relaxed) == generation })
                }
            } catch {
                mailbox.post(.session(.computeFailed(SelMixError(describing: error))))
            }
        }
    }

    /// Goes on with what was begun ahead of the next assignment, when its weights arrive.
    private func prepare(_ arrived: WeightsIntake.Arrived) {
        guard let engine, !arrived.slices.isEmpty else { return }
        compute.async { [mailbox, meter] in
            do {
                try meter.measureAhead {
                    for index in arrived.slices {
                        try engine.engine.prepare(slice: index, of: arrived.values, head: arrived.head)
                    }
                }
            } catch {
                mailbox.post(.session(.computeFailed(SelMixError(describing: error))))
            }
        }
    }
}

extension SelMixError {
    /// Any error in the one shape.
    init(describing error: any Error) {
        self = error as? SelMixError ?? SelMixError(.failed, "an unexpected error", cause: "\(error)")
    }
}
