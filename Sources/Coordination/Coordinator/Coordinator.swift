import Common

/// Every decision of the coordinating process, as a value: it takes an event and the time, and returns what to do.
///
/// It owns no clock, socket, file or thread, and it never sees a tensor: the shell keeps those and is told which ones
/// count. So a simulator can run it through any interleaving, and everything it knows can be printed.
///
/// The invariants, checked by ``brokenInvariant``:
/// - at most one piece of work is open; each logical shard counts once in it;
/// - every shard that is not counted is held by some worker's assignment, or there is no worker to hold it; by more than
///   one only as a copy of a straggler's or for an audit, and never by two workers of one name;
/// - what is counted and has to be computed twice is held by another worker, or computed by the shell;
/// - work is assigned to ready workers alone, and a life that was given up never counts again;
/// - weights version n is step n's input: step, weights and selection of all open assignments agree.
public struct Coordinator: Sendable {
    public struct Configuration: Sendable {
        public var runID: RunID
        public var epoch: Epoch
        /// V.
        public var shards: Int
        public var rounds: Int
        public var stepsPerRound: Int
        public var timing: Timing
        /// How many workers must be ready before the run starts.
        public var minWorkers: Int
        /// How long too few workers are waited for.
        public var workerWait: Duration
        public var instructionSet: String
        public var version: String
        /// Of oneDNN; another one may round differently.
        public var matrixLibrary: String
        /// How the coordinator's machine rounds.
        public var probe: Digest
        /// Every shard is contributed by itself, so that the event log can tell each.
        public var tracesShards: Bool
        public var audit: AuditPlan
        /// Workers that computed wrongly before a restart, with the reasons.
        public var quarantined: [String: String]
        /// The round to begin with: 0, or what a checkpoint says.
        public var firstRound: RoundIndex
        /// Pieces of a gradient that workers sum among themselves; 0 where the coordinator sums.
        public var pieces: Int
        /// A worker whose self-test is far below that of the others is refused, not only named.
        public var refusesSlowWorkers: Bool

        public init(
            runID: RunID, epoch: Epoch, shards: Int, rounds: Int, stepsPerRound: Int, timing: Timing,
            minWorkers: Int, workerWait: Duration, instructionSet: String, version: String, matrixLibrary: String,
            probe: Digest, tracesShards: Bool = false, audit: AuditPlan = .none, quarantined: [String: String] = [:],
            firstRound: RoundIndex = RoundIndex(0), refusesSlowWorkers: Bool = false, pieces: Int = 0
        ) {
            // The job file, and a job in JSON, are refused with both.
            precondition(pieces == 0 || audit.fraction == 0, "nobody audits what a worker sums")
            self.pieces = pieces
            self.audit = audit
            self.quarantined = quarantined
            self.refusesSlowWorkers = refusesSlowWorkers
            self.tracesShards = tracesShards
            self.runID = runID
            self.epoch = epoch
            self.shards = shards
            self.rounds = rounds
            self.stepsPerRound = stepsPerRound
            self.timing = timing
            self.minWorkers = minWorkers
            self.workerWait = workerWait
            self.instructionSet = instructionSet
            self.version = version
            self.matrixLibrary = matrixLibrary
            self.probe = probe
            self.firstRound = firstRound
        }
    }

    /// Where the run stands.
    public enum Phase: Sendable, Equatable {
        /// Too few workers to begin this work.
        case gathering(Work)
        /// Contributions to this work are awaited.
        case working(Work)
        /// The shell computes what follows from this work.
        case computing(Work)
        /// The shell writes the results. Workers are kept meanwhile: should this process die, its successor needs them.
        case concluding
        case over(Outcome)
    }

    public let configuration: Configuration
    public internal(set) var phase: Phase
    /// The current weights: how many steps made them.
    public internal(set) var weights: WeightsVersion
    /// The current selection; zero before the first.
    public internal(set) var selection = Digest(rawValue: 0)

    var workers: [Incarnation: WorkerRecord] = [:]
    /// Lives that are over for this coordinator: none of them comes back.
    var givenUp = RecentSet<Incarnation>(capacity: 1 << 16)
    /// Names that are refused for the rest of the run, with the reasons.
    var quarantined: [String: String]
    /// Contributions of each worker that count in work that is over, and that nobody else has computed.
    var unproven: [String: Int] = [:]
    var joined = 0
    var ledger: Ledger
    /// Where workers sum the open step, or have summed the last.
    var reduction: GroupReduction?
    /// What two of a group differed about in the open work: whatever covers it is computed here too before it is used.
    var doubt: (nodes: [TreeNode], reason: String)?
    /// Who passes the present weights on; nil once some have not come that way.
    var relays: ReductionGroup?
    /// How often groups failed lately, and in how many steps since then they did not.
    var groupFailures = 0
    var groupSuccesses = 0
    /// Until when there are none, as they failed again and again, and how often that has been.
    var groupsResume: Instant?
    var groupRests = 0
    /// Whether the open step, or the last, was to be summed by a group that was given up.
    var groupWasAbandoned = false
    var standing = GroupStanding()
    /// Who has not answered a step whose group was given up, and since when the others had.
    var suspects: [Incarnation: Instant] = [:]
    var summing: SummingChoice
    /// From the last contribution of a step to its last sum, in the last steps.
    var sumTimes: [Duration] = []
    /// When the open work was dealt.
    var openedAt = Instant.origin
    /// Who sums, as it was told last: nobody for the coordinator, with the reason.
    var reductionTold: (members: [String], reason: String)?
    /// The longest time that an assignment of the open work took; nil while none is done.
    var pace: Duration?
    /// The last pieces of work that are over, to compare late contributions with: digests, no tensors.
    var closed: [ClosedWork] = []
    /// The assignments of the open work, by number.
    var dealt: [UInt64: DealtAssignment] = [:]
    /// How many contributions of each worker arrived damaged since the last that did not.
    var damaged: [String: Int] = [:]
    static let closedWindow = 4
    /// How often each shard of the open work was taken from a worker that got stuck with it.
    var timesStuck: [Int]
    var assignments: UInt64 = 0
    /// The longest time from an assignment to its last contribution.
    var slowestTurnaround = Duration.zero
    /// Since when there are fewer ready workers than the run needs.
    var shortSince: Instant?
    var started = false
    /// The shell has this run's class feature sums.
    public internal(set) var haveFeatureSums = false
    var reason = ""

    public init(_ configuration: Configuration) {
        // Both forms of a job are refused without.
        precondition(configuration.shards > 0 && configuration.rounds > 0 && configuration.stepsPerRound > 0)
        self.configuration = configuration
        phase = .gathering(.validate(configuration.firstRound))
        weights = WeightsVersion(configuration.firstRound.rawValue * configuration.stepsPerRound)
        ledger = Ledger(shards: configuration.shards)
        quarantined = configuration.quarantined
        summing = SummingChoice(patience: configuration.timing.failureTimeout * 10)
        timesStuck = Array(repeating: 0, count: configuration.shards)
    }

    /// Handles one event.
    ///
    /// - Returns: what to do, in order. Nothing once the run is over.
    public mutating func step(_ event: CoordinatorEvent, at now: Instant) -> [CoordinatorDirective] {
        if case .over = phase { return [] }
        var directives: [CoordinatorDirective] = []
        switch event {
        case .started:
            shortSince = now
            directives.append(.record(.started(epoch: configuration.epoch)))
        case .received(let message, let header):
            onMessage(message, header, at: now, &directives)
        case .tick:
            onTick(at: now, &directives)
        case .selected(let result):
            onSelected(result, at: now, &directives)
        case .stepped(let result):
            onStepped(result, at: now, &directives)
        case .served(let incarnation):
            workers[incarnation]?.fetching -= 1
        case .recomputed(let contribution):
            onRecomputed(contribution, at: now, &directives)
        case .implausible(let step, let nodes, let error):
            onImplausible(step, nodes, error, at: now, &directives)
        case .damaged(let header):
            onDamaged(header, at: now, &directives)
        case .concluded:
            // The shell answers what it was asked, once.
            precondition(phase == .concluding, "results were written while \(phase)")
            finish(.finished, &directives)
        case .workerEnded(let name, let end):
            onWorkerEnded(name, end, at: now, &directives)
        // Once the results are being written neither matters.
        case .workersGone where phase == .concluding, .stopRequested where phase == .concluding: break
        case .workersGone(let reason):
            finish(.failed(SelMixError(.cluster, "no worker is left: \(reason)")), &directives)
        case .drainRequested(let name, let reason):
            onDrainRequested(name, reason: reason, &directives)
        case .stopRequested(let reason):
            finish(.interrupted(reason: reason), &directives)
        case .shellFailed(let error):
            finish(.failed(error), &directives)
        }
        progress(at: now, &directives)
        return directives
    }

    public var isOver: Bool { if case .over = phase { true } else { false } }

    /// When a tick is due even if nothing else happens; nil when nothing is waited for.
    public var nextDeadline: Instant? {
        if case .over = phase { return nil }
        var deadlines = workers.values.map { $0.leaseEnd(configuration.timing) }
        deadlines += workers.values.compactMap {
            $0.patienceEnd(configuration.timing, slowest: slowestTurnaround)
        }
        if let stragglerDeadline { deadlines.append(stragglerDeadline) }
        if let groupDeadline { deadlines.append(groupDeadline) }
        if let shortSince { deadlines.append(shortSince + configuration.workerWait) }
        return deadlines.min()
    }

    /// In order of joining, which is the order in which shards are dealt.
    var ready: [WorkerRecord] {
        workers.values.filter { $0.state == .ready }.sorted { $0.joinOrder < $1.joinOrder }
    }

    /// Why a message does not count; nil for one that does.
    public func rejection(of message: WorkerMessage, _ header: Header) -> Rejection? {
        let known = workers[header.incarnation]
        if let known, known.name != header.worker { return .otherSender }
        if case .hello = message { return nil }
        guard header.runID == configuration.runID, header.epoch == configuration.epoch else { return .otherRun }
        return known == nil ? .unknownLife : nil
    }

    private mutating func onMessage(
        _ message: WorkerMessage, _ header: Header, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        switch rejection(of: message, header) {
        case .otherSender: return
        case .some:
            // Only heartbeats are answered, so that a confused peer cannot make us talk more than it does.
            if case .heartbeat = message {
                directives.append(
                    .send(.rejoin(reason: "this coordinator does not know you"), to: header.incarnation))
            }
            return
        case nil: break
        }
        if case .hello(let hello) = message {
            onHello(hello, header, at: now, &directives)
            return
        }
        workers[header.incarnation]?.lastHeard = now
        switch message {
        // A slice is for the shell; here it only shows that the worker lives.
        case .hello, .slice: break
        case .heartbeat(let heartbeat): onHeartbeat(heartbeat, from: header.incarnation, at: now, &directives)
        case .contribution(let contribution):
            onContribution(contribution, from: header.incarnation, at: now, &directives)
        case .sum(let sum): onSum(sum, from: header.incarnation, at: now, &directives)
        case .leaving(let reason): onLeaving(reason, from: header.incarnation, &directives)
        case .failed(let reason): lose(header.incarnation, reason: reason, at: now, &directives)
        case .listFiles: onFetch(.listFiles(to: header.incarnation), from: header.incarnation, &directives)
        case .fetch(let chunk):
            onFetch(.serve(chunk, to: header.incarnation), from: header.incarnation, &directives)
        }
    }

    mutating func finish(_ outcome: Outcome, _ directives: inout [CoordinatorDirective]) {
        phase = .over(outcome)
        let told =
            switch outcome {
            case .finished: "the run is done"
            case .interrupted(let reason): "the run was interrupted: \(reason)"
            case .failed(let error): "the run failed: \(error.message)"
            }
        for worker in workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            directives.append(.send(.release(reason: told), to: worker.incarnation))
        }
        workers = [:]
        directives.append(.record(.finished(outcome)))
        directives.append(.finish(outcome))
    }
}
