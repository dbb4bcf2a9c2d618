import Common
import Coordination

/// How far a run is and how fast it goes, from what happens in it.
public struct RunProgress: Sendable {
    let rounds: Int
    let stepsPerRound: Int
    let batch: Int
    let objective: String

    private(set) var round = 0
    private(set) var stepsDone = 0
    /// The objective's value in the last validation, in the first, and the best one.
    private(set) var current: Double?
    private(set) var initial: Double?
    private(set) var best: Double?
    private(set) var readyWorkers: Set<Incarnation> = []
    /// The most workers that were ready at one time.
    private(set) var mostWorkers = 0
    private(set) var quarantined: [QuarantinedWorker] = []
    /// Time spent in steps, without validations and selections.
    private var trainingTime = Duration.zero
    /// Steps of this start of the coordinator.
    private var trainingSteps = 0
    private var trainingSince: Instant?
    private let startedAt: Instant
    private var firstStepAt: Instant?

    init(job: Job, at now: Instant) {
        rounds = job.selmix.rounds
        stepsPerRound = job.selmix.stepsPerRound
        batch = job.batch
        objective = job.objective.name
        startedAt = now
    }

    mutating func update(_ event: RunEvent, at now: Instant) {
        switch event {
        case .workerReady(_, let incarnation):
            readyWorkers.insert(incarnation)
            mostWorkers = max(mostWorkers, readyWorkers.count)
        case .workerLost(_, let incarnation, _), .workerLeft(_, let incarnation),
            .workerRefused(_, let incarnation, _):
            readyWorkers.remove(incarnation)
        case .quarantined(let quarantine):
            quarantined.append(
                QuarantinedWorker(worker: quarantine.worker, host: quarantine.host, reason: quarantine.reason))
        case .roundStarted(let round):
            self.round = round.rawValue
            if let since = trainingSince { trainingTime += now - since }
            trainingSince = nil
        case .selected:
            trainingSince = now
            if firstStepAt == nil { firstStepAt = now }
        case .step(let result):
            stepsDone = result.step.rawValue + 1
            trainingSteps += 1
        case .finished:
            if let since = trainingSince, trainingSteps > 0 { trainingTime += now - since }
            trainingSince = nil
        default: break
        }
    }

    mutating func update(_ report: RoundReport) {
        current = report.objective
        initial = initial ?? report.objective
        best = max(best ?? report.objective, report.objective)
    }

    /// Takes up what earlier starts of the coordinator did and found out.
    mutating func resume(from round: Int, quarantined: [QuarantinedWorker]) {
        self.round = round
        stepsDone = round * stepsPerRound
        self.quarantined = quarantined
    }

    /// Whether this start of the coordinator has taken a step.
    var hasBegun: Bool { trainingSteps > 0 }

    public var steps: Int { rounds * stepsPerRound }

    /// Training samples a second, over the time spent in steps.
    func samplesPerSecond(at now: Instant) -> Double {
        let running = trainingSince.map { now - $0 } ?? .zero
        let seconds = (trainingTime + running).seconds
        return seconds > 0 ? Double(trainingSteps * batch) / seconds : 0
    }

    /// Time that the rest takes if it goes on as it went since this start of the coordinator; nil before its first step. What
    /// earlier starts have done took time that nobody here has seen.
    func remaining(at now: Instant) -> Duration? {
        guard let firstStepAt, trainingSteps > 0 else { return nil }
        return (now - firstStepAt) * Double(steps - stepsDone) / Double(trainingSteps)
    }
}

extension Duration {
    fileprivate static func / (a: Duration, b: Double) -> Duration { .saturated(seconds: a.seconds / b) }
    fileprivate static func * (a: Duration, b: Double) -> Duration { .saturated(seconds: a.seconds * b) }

    /// For people: "3 s", "2 min 10 s", "1 h 5 min".
    public var short: String {
        let total = Int(saturating: seconds)
        if total < 60 { return "\(total) s" }
        if total < 3600 { return "\(total / 60) min \(total % 60) s" }
        return "\(total / 3600) h \(total % 3600 / 60) min"
    }
}
