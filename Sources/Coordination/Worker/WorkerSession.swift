import Common

/// Every decision of a worker process, as a value: the counterpart of ``Coordinator``.
///
/// A worker says hello until it is welcomed, loads the job, tells by heartbeats that it is ready and what it holds, and
/// computes the assignments it is given, one at a time. It decides nothing about the run. When its coordinator does not
/// know it (a restart, or a lease that ended while it was suspended) it comes back as a new incarnation; what it computed
/// under the old one is forgotten.
public struct WorkerSession: Sendable {
    public struct Configuration: Sendable {
        public var name: String
        public var hello: Hello
        /// Used until the coordinator tells its own.
        public var timing: Timing
        /// From which the incarnations follow; random, so that no two starts share one.
        public var seed: UInt64

        public init(name: String, hello: Hello, timing: Timing, seed: UInt64) {
            self.name = name
            self.hello = hello
            self.timing = timing
            self.seed = seed
        }
    }

    public enum Phase: Sendable, Equatable {
        case greeting
        case loading
        case ready(probe: Digest)
        case over(WorkerExit)
    }

    public let configuration: Configuration
    public private(set) var phase = Phase.greeting
    public private(set) var incarnation: Incarnation
    private var lives: UInt64 = 0
    private var runID: RunID?
    private var epoch = Epoch.unknown
    public private(set) var weights: WeightsVersion?
    /// Given and not done, in order; the first is being computed.
    private var assignments: [Assignment] = []
    /// Assigned for a group, with the present weights, and begun: the shell has what they gave, should it be wanted again.
    private var groupAssignments: Set<UInt64> = []
    private var peerAddress = ""
    private var loadRequested = false
    /// Loaded, maybe in an earlier life.
    private var loadedProbe: Digest?
    private var blocks: UInt64 = 0
    private var staging: StagingProgress?
    private var lastHeard = Instant.origin
    private var lastSent = Instant.origin
    private var heartbeatInterval: Duration
    private var orphanTimeout: Duration
    private var leaving: String?
    private var refusal: String?
    /// Why the coordinator could not be reached when that was last looked at.
    private var outOfReach: String?

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        heartbeatInterval = configuration.timing.heartbeatInterval
        orphanTimeout = configuration.timing.orphanTimeout
        incarnation = Self.incarnation(seed: configuration.seed, life: 0)
    }

    public var header: Header {
        Header(runID: runID, epoch: epoch, worker: configuration.name, incarnation: incarnation)
    }

    /// Whether an assignment is still wanted here.
    public func holds(_ assignment: UInt64) -> Bool { self.assignment(assignment) != nil }

    /// An assignment that is still wanted here, as it was last given.
    public func assignment(_ number: UInt64) -> Assignment? { assignments.first { $0.number == number } }

    /// Handles one event.
    ///
    /// - Returns: what to do, in order. Nothing once the worker is over.
    public mutating func step(_ event: WorkerEvent, at now: Instant) -> [WorkerDirective] {
        if case .over = phase { return [] }
        var directives: [WorkerDirective] = []
        switch event {
        case .started:
            lastHeard = now
            directives.append(.connect(incarnation))
            greet(at: now, &directives)
        case .received(let message, let header):
            onMessage(message, header, at: now, &directives)
        case .connectionRefused(let reason, let retry):
            onConnectionRefused(reason, retry: retry, &directives)
        case .coordinatorOutOfReach(let reason):
            outOfReach = reason
        case .tick(let blocks):
            self.blocks = blocks
            onTick(at: now, &directives)
        case .staging(let progress):
            staging = progress
        case .loaded(let probe):
            staging = nil
            loadedProbe = probe
            if phase == .loading {
                phase = .ready(probe: probe)
                beat(at: now, &directives)
            }
        case .listening(let address):
            peerAddress = address
        case .loadFailed(let error), .computeFailed(let error):
            directives.append(.send(.failed(reason: error.description)))
            exit(.failed(error), &directives)
        case .computed(let contribution):
            if assignments.first?.number == contribution.assignment {
                directives.append(.sendContribution(contribution))
            }
        case .assignmentDone(let number):
            onAssignmentDone(number, &directives)
        case .stopRequested(let reason):
            onStopRequested(reason, &directives)
        }
        return directives
    }

    /// When a tick is due even if nothing else happens.
    public var nextDeadline: Instant? {
        switch phase {
        case .over: nil
        case .greeting: min(lastSent + configuration.timing.helloInterval, lastHeard + orphanTimeout)
        case .loading, .ready: min(lastSent + heartbeatInterval, lastHeard + orphanTimeout)
        }
    }

    // MARK: What the coordinator says

    /// Whether a message is for this life, and from no earlier start of the coordinator. Nothing of any other may be used.
    public func accepts(_ header: Header) -> Bool { header.incarnation == incarnation && header.epoch >= epoch }

    private mutating func onMessage(
        _ message: CoordinatorMessage, _ header: Header, at now: Instant, _ directives: inout [WorkerDirective]
    ) {
        // A message to an earlier life, or from a coordinator that has been restarted since.
        guard accepts(header) else { return }
        outOfReach = nil
        // A refusal is no help: who is refused for long leaves, as if nobody had answered.
        if case .refused = message {} else { lastHeard = now }
        switch message {
        case .welcome(let welcome): onWelcome(welcome, header, at: now, &directives)
        case .refused(let reason, let retry):
            refusal = reason
            if !retry {
                exit(
                    .failed(SelMixError(.cluster, "the coordinator refused this worker: \(reason)")), &directives)
            }
        case .alive, .weightsSlice, .weightsPiece: break
        case .rejoin: rejoin(at: now, &directives)
        case .weights(let version, _, _, _): onWeights(version)
        case .assign(let assignment): onAssign(assignment, &directives)
        case .release(let reason): exit(.released(reason: reason), &directives)
        // For whoever stages; the session only hears that the coordinator lives.
        case .files, .chunk, .noFiles: break
        }
    }

    /// Whoever has worked for this coordinator waits for it, since someone else may have its address for a while.
    private mutating func onConnectionRefused(
        _ reason: String, retry: Bool, _ directives: inout [WorkerDirective]
    ) {
        refusal = reason
        if !retry, runID == nil {
            exit(.failed(SelMixError(.cluster, "the coordinator refused this worker: \(reason)")), &directives)
        }
    }

    private mutating func onWelcome(
        _ welcome: Welcome, _ header: Header, at now: Instant, _ directives: inout [WorkerDirective]
    ) {
        guard phase == .greeting else { return }
        if let runID, runID != header.runID {
            exit(
                .failed(
                    SelMixError(
                        .cluster, "the coordinator at this address now leads another run",
                        hint: "start the worker again to join it")), &directives)
            return
        }
        runID = header.runID
        epoch = header.epoch
        heartbeatInterval = welcome.heartbeatInterval
        orphanTimeout = welcome.orphanTimeout
        refusal = nil
        if let loadedProbe {
            phase = .ready(probe: loadedProbe)
            beat(at: now, &directives)
        } else {
            phase = .loading
            if !loadRequested { directives.append(.load(welcome)) }
            loadRequested = true
        }
    }

    /// What waits for older weights is over, and is not begun any more; so the queue stays short however late a link delivers.
    private mutating func onWeights(_ version: WeightsVersion) {
        if weights != version { groupAssignments = [] }
        weights = version
        let current = assignments.first
        assignments.removeAll { $0.weights < version && $0 != current }
    }

    private mutating func onAssign(_ assignment: Assignment, _ directives: inout [WorkerDirective]) {
        guard case .ready = phase, weights == assignment.weights else { return }
        if let index = assignments.firstIndex(where: { $0.number == assignment.number }) {
            guard assignments[index].group != nil, assignment.group == nil, agreesWithHeld(assignment) else { return }
            assignments[index] = assignment
            guard index == 0 else { return }
            groupAssignments.insert(assignment.number)
            directives.append(.handIn(assignment.number))
            return
        }
        if assignment.group == nil, groupAssignments.contains(assignment.number) {
            directives.append(.handIn(assignment.number))
            return
        }
        // The coordinator works on one thing at a time, so anything older is no longer wanted.
        let isFirst = assignments.isEmpty
        assignments.append(assignment)
        if isFirst { directives.append(.compute(assignment)) }
    }

    /// Whether this asks for the same as what is held under its number, if anything is. A number stands for one assignment.
    public func agreesWithHeld(_ assignment: Assignment) -> Bool {
        self.assignment(assignment.number).map { $0.toCoordinator == assignment.toCoordinator } ?? true
    }

    private mutating func onAssignmentDone(_ number: UInt64, _ directives: inout [WorkerDirective]) {
        guard let done = assignments.first, done.number == number else { return }
        assignments.removeFirst()
        if done.group != nil, done.weights == weights { groupAssignments.insert(number) }
        // An assignment whose weights have been replaced belongs to a step that is over.
        assignments.removeAll { $0.weights != weights }
        if let next = assignments.first { directives.append(.compute(next)) }
    }

    // MARK: Time

    private mutating func onTick(at now: Instant, _ directives: inout [WorkerDirective]) {
        if now >= lastHeard + orphanTimeout {
            let waited = (now - lastHeard).told
            let error =
                if let refusal {
                    SelMixError(.cluster, "the coordinator has refused this worker for \(waited): \(refusal)")
                } else {
                    SelMixError(
                        .cluster,
                        "no word from the coordinator for \(waited)"
                            + (outOfReach.map { ": it cannot be reached at \($0)" } ?? ""),
                        hint: "check that the coordinator runs, and the address given with --connect")
                }
            exit(.failed(error), &directives)
            return
        }
        switch phase {
        case .over: break
        case .greeting:
            if now >= lastSent + configuration.timing.helloInterval { greet(at: now, &directives) }
        case .loading, .ready:
            if now >= lastSent + heartbeatInterval { beat(at: now, &directives) }
        }
    }

    private mutating func greet(at now: Instant, _ directives: inout [WorkerDirective]) {
        lastSent = now
        directives.append(.send(.hello(configuration.hello)))
    }

    private mutating func beat(at now: Instant, _ directives: inout [WorkerDirective]) {
        lastSent = now
        let reported: Heartbeat.Phase =
            if case .ready(let probe) = phase { .ready(probe: probe) } else { .loading }
        directives.append(
            .send(
                .heartbeat(
                    Heartbeat(
                        phase: reported, blocks: blocks, weights: weights, holding: assignments.map(\.number),
                        staging: staging, peerAddress: peerAddress))))
        if let leaving { directives.append(.send(.leaving(reason: leaving))) }
    }

    // MARK: Leaving and coming back

    private mutating func rejoin(at now: Instant, _ directives: inout [WorkerDirective]) {
        if let leaving {
            // What it was to hand over has been given to others already.
            exit(.released(reason: leaving), &directives)
            return
        }
        lives += 1
        incarnation = Self.incarnation(seed: configuration.seed, life: lives)
        epoch = .unknown
        weights = nil
        assignments = []
        groupAssignments = []
        phase = .greeting
        directives.append(.reset)
        directives.append(.connect(incarnation))
        greet(at: now, &directives)
    }

    private mutating func onStopRequested(_ reason: String, _ directives: inout [WorkerDirective]) {
        if case .ready = phase {
            leaving = reason
            directives.append(.send(.leaving(reason: reason)))
        } else {
            exit(.released(reason: reason), &directives)
        }
    }

    private mutating func exit(_ how: WorkerExit, _ directives: inout [WorkerDirective]) {
        phase = .over(how)
        directives.append(.exit(how))
    }

    private static func incarnation(seed: UInt64, life: UInt64) -> Incarnation {
        let bits = Philox(seed: seed).block(.jitter, index: Int(life), slot: 0).low
        return Incarnation(rawValue: bits == 0 ? 1 : bits)
    }
}
