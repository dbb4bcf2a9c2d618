import Common
import Coordination

/// A whole cluster in virtual time: one coordinator, its worker processes, the network between them and the disk.
///
/// The state machines are the production ones; this is their shell. Everything that happens is an event in one queue, and
/// everything that is left to chance comes from the seed, so that a run can be repeated exactly. After every event the
/// checkers look at what was decided. Sudden faults strike until the plan's end; from then on the network is calm,
/// processes go on, and the run has to come to its proper end.
final class Cluster {
    let seed: UInt64
    let settings: Settings
    let plan: FaultPlan
    let reference: ReferenceRun
    let canary: Canary?
    var model: Model { settings.model }

    // MARK: The world

    var now = Instant.origin
    var queue = EventQueue<ClusterEvent>()
    var network: Network
    var disk: Disk
    var coordinator: CoordinatorProcess?
    var epochs: UInt64 = 0
    var workers: [WorkerProcess] = []
    /// The processes behind the lives that have connected.
    var owners: [Incarnation: ProcessID] = [:]
    /// Letters that arrived while the coordinator was down.
    var waiting: [ClusterEvent] = []
    /// Some letters of the past, for replays.
    var archive: [ClusterEvent] = []
    var isCalm = false
    /// A straggler's shards have been computed twice.
    var sawCopies = false
    /// When the last of what the faults delayed has arrived.
    var settledAt: Instant?
    /// When the coordinator last began or ended a piece of work: the open one began no earlier.
    var lastTurn = Instant.origin
    /// Worker processes that will start.
    var startsPending = 0
    var namesGiven = 0
    var outcome: Outcome?
    var endedAt: Instant?
    /// When a worker last started or heard something.
    var lastWord = Instant.origin
    /// Some coordinator has begun to let its workers go.
    var wasEnding = false
    var stopReason: String?
    /// The results are written: a restart would refuse to go on.
    var hasResults = false
    /// Names under which something wrong was sent.
    var liars: Set<String> = []
    /// What the event log says of them.
    var quarantined: [String: String] = [:]
    var brokenDisk: SelMixError?
    var workersGoneTold = false
    /// The canary's: what the coordinator that died last knew.
    var formerState: TrainingState?

    var faultDice: Dice
    var workerDice: Dice
    var canaryDice: Dice

    // MARK: Those who watch

    var counting: CountingChecker
    var membership: MembershipChecker
    var traffic: TrafficChecker
    var statistics = Statistics()
    private(set) var fingerprint: UInt64 = 0
    let trace: Trace

    /// - Parameter given: instead of what the seed would stand for.
    init(seed: UInt64, canary: Canary?, trace: Trace, given: (settings: Settings, plan: FaultPlan)? = nil) {
        self.seed = seed
        var dice = Dice(seed: seed)
        var settingsDice = dice.fork()
        var planDice = dice.fork()
        let settings = given?.settings ?? Settings(&settingsDice)
        self.settings = settings
        plan = given?.plan ?? FaultPlan(settings, undisturbed: settings.undisturbed, &planDice)
        network = Network(settings.network, dice: dice.fork())
        reference = ReferenceRun(settings.model)
        let head = RoundStart(round: RoundIndex(0), state: TrainingState(settings.model))
        disk = Disk(head: head, dice: dice.fork())
        faultDice = dice.fork()
        workerDice = dice.fork()
        canaryDice = dice.fork()
        counting = CountingChecker(reference, audit: settings.audit)
        membership = MembershipChecker(minWorkers: settings.minWorkers, workerWait: settings.workerWait)
        traffic = TrafficChecker(shards: settings.model.shards)
        self.canary = canary
        self.trace = trace
    }

    // MARK: The loop

    func run() throws(Violation) {
        describe()
        statistics.noteRun()
        schedule(.startCoordinator, after: .zero)
        for number in 1...settings.workers {
            startsPending += 1
            schedule(.startWorker(name: "w\(number)"), after: faultDice.duration(.zero, settings.timing.failureTimeout))
        }
        for (fault, time) in plan.faults { queue.schedule(.fault(fault), at: time) }
        queue.schedule(.calm, at: plan.end)
        if settings.isLocal { schedule(.launcherLooks, after: settings.timing.failureTimeout) }

        while let (event, time, lane) = queue.next() {
            now = time
            guard now <= lastMoment else { break }
            if let later = pauseEnd(of: event) {
                queue.schedule(event, at: later, lane: lane)
                continue
            }
            statistics.events += 1
            fingerprint = Dice.mixed(fingerprint ^ UInt64(bitPattern: Int64(now.sinceOrigin.microseconds)))
            try handle(event)
            guard statistics.events < 3_000_000 else { throw Violation("three million events and no end") }
        }
        try checkEnd()
    }

    private func handle(_ event: ClusterEvent) throws(Violation) {
        switch event {
        case .toCoordinator(let letter, let process): try deliver(letter, from: process)
        case .toWorker(let process, let letter): try deliver(letter, to: process)
        case .coordinatorAlarm: try coordinatorAlarm()
        case .workerAlarm(let process): try workerAlarm(process)
        case .toPeer(let process, let letter): try deliver(letter, to: process)
        case .reduced(let work, let kept, let sums, let isLast, let epoch):
            if coordinator?.epoch == epoch { try reduced(work, kept, sums, isLast: isLast) }
        case .recomputed(let contribution, let tensors, let epoch):
            if coordinator?.epoch == epoch { try recomputed(contribution, tensors) }
        case .concluded(let epoch):
            if coordinator?.epoch == epoch { try concluded() }
        case .loaded(let process): try loaded(process)
        case .blockDone(let process): try blockDone(process)
        case .summed(let process, let sum, let values, let generation):
            if workers[process.index].generation == generation { try summed(sum, values, on: process) }
        case .startCoordinator: if coordinator == nil, outcome == nil { try startCoordinator() }
        case .startWorker(let name):
            startsPending -= 1
            try startWorker(name: name)
        case .fault(let fault): if outcome == nil { try strike(fault) }
        case .mend(let links): mend(links)
        case .unclog(let links): network.unclog(links)
        case .speedUp(let process): workers[process.index].slowness = 1
        case .healDisk: disk.slowness = 1
        case .calm: try calmDown()
        case .topUp: try topUp()
        case .launcherLooks: try launcherLooks()
        }
    }

    /// The real shells, once they can run again, find everything that has arrived and then look at the clock.
    private func pauseEnd(of event: ClusterEvent) -> Instant? {
        let end: Instant? =
            switch event.subject {
            case .coordinator: coordinator?.pausedUntil
            case .worker(let process): workers[process.index].pausedUntil
            case .nobody: nil
            }
        guard let end, end > now else { return nil }
        return end
    }

    func schedule(_ event: ClusterEvent, after delay: Duration) { queue.schedule(event, at: now + delay) }
    func schedule(_ event: ClusterEvent, at time: Instant) { queue.schedule(event, at: time) }

    // MARK: Letters

    func send(_ letter: WorkerLetter, from process: ProcessID, over channel: Channel) {
        let event = ClusterEvent.toCoordinator(letter, from: process)
        let fate = post(event, over: .coordinator(process, channel, .toCoordinator))
        trace.line(now, routine: letter.message.isRoutine) {
            "\(told(letter.sender)) -> coordinator: \(letter.message)\(fate.told(now))"
        }
    }

    func send(_ letter: CoordinatorLetter, to process: ProcessID, over channel: Channel) {
        let fate = post(.toWorker(process, letter), over: .coordinator(process, channel, .toWorker))
        trace.line(now, routine: letter.message.isRoutine) {
            "coordinator -> \(told(letter.header.incarnation)): \(letter.message)\(fate.told(now))"
        }
    }

    func send(_ letter: PeerLetter, from process: ProcessID, to peer: ProcessID) {
        let fate = post(.toPeer(peer, letter), over: .peer(from: process, to: peer))
        trace.line(now) {
            "\(told(letter.sender)) -> \(workers[peer.index].name): \(letter.message.told)\(fate.told(now))"
        }
    }

    private func post(_ event: ClusterEvent, over link: LinkID) -> Network.Fate {
        let fate = network.send(event, over: link, at: now)
        switch fate {
        case .arrives(let time):
            queue.schedule(event, at: time)
        case .overtaken(let time):
            queue.schedule(event, at: time)
            statistics.count(.letterOvertaken)
        case .arrivesTwice(let time, let again):
            queue.schedule(event, at: time)
            queue.schedule(event, at: again)
            statistics.count(.letterDoubled)
        case .lost: statistics.count(.letterLost)
        case .cut: statistics.count(.letterCut)
        case .held: statistics.count(.letterHeld)
        }
        if settings.manner == .wild, !isCalm {
            if archive.count < 50 {
                archive.append(event)
            } else if faultDice.chance(0.1) {
                archive[faultDice.whole(0...49)] = event
            }
        }
        return fate
    }

    private func mend(_ links: [LinkID]) {
        for (letter, link) in network.mend(links) { _ = post(letter, over: link) }
        // The last faults end at the moment of the calm, some of them after it is told.
        if let settledAt { self.settledAt = max(settledAt, network.latestArrival) }
    }
}
