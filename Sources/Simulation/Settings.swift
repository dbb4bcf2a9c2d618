import Common
import Coordination

/// What kind of cluster and run a seed stands for, apart from its faults.
struct Settings: Sendable {
    let model: Model
    let workers: Int
    let minWorkers: Int
    let audit: AuditPlan
    let timing: Timing
    let workerWait: Duration
    /// Time-outs are so long that the run has to finish whatever happens; else it may also give up where it should.
    let isPatient: Bool
    /// The workers were started with the run: when all are gone, the launcher says so.
    let isLocal: Bool
    /// Nothing goes wrong at all: then the coordinator has nothing to put right. One worker may leave.
    let isSerene: Bool
    let manner: NetworkConditions.Manner
    let network: NetworkConditions
    /// How long a worker computes one logical shard: one block of work.
    let blockTime: Duration
    /// How long the coordinator computes what follows a piece of work.
    let reduceTime: Duration
    let loadTime: Duration
    let checkpointTime: Duration
    /// How long a worker sums one piece of a step's gradient.
    let sumTime: Duration
    /// The chance that other workers cannot reach a worker, and that it knows it.
    let isolation: Double

    init(_ dice: inout Dice) {
        let rounds = dice.whole(1...3)
        let audited = dice.pick([0, 0, 0, 0.3, 1])
        // Nobody audits what a worker sums.
        let pieces = audited > 0 || dice.chance(0.5) ? 0 : dice.whole(1...4)
        model = Model(
            seed: dice.next(), shards: dice.whole(1...9), rounds: rounds, stepsPerRound: dice.whole(1...5),
            folds: dice.pick([1, 1, 2, 3, 4]), pieces: pieces,
            convergesAt: dice.chance(0.1) ? RoundIndex(dice.whole(0...rounds - 1)) : nil)
        workers = dice.whole(1...5)
        audit = AuditPlan(seed: model.seed, fraction: audited)
        isolation = dice.chance(0.1) ? 0.3 : 0
        minWorkers = dice.chance(0.5) ? 1 : dice.whole(1...workers)
        isSerene = dice.chance(0.05)
        isPatient = isSerene || dice.chance(0.7)
        isLocal = dice.chance(0.3)

        let f: Duration = dice.pick([.milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2)])
        let forever: Duration = .seconds(1_000_000)
        do {
            timing = try Timing(
                failureTimeout: f, orphanTimeout: isPatient ? forever : dice.duration(f * 3 / 2, f * 10))
        } catch {
            preconditionFailure("\(error)")
        }
        workerWait = isPatient ? forever : dice.duration(f * 2, f * 10)
        if isSerene {
            manner = .orderly
            network = NetworkConditions(shortest: f / 2000, longest: f / 200)
            blockTime = f * dice.pick([0.01, 0.03, 0.1])
            reduceTime = f * dice.pick([0.01, 0.1, 3])
            loadTime = f * dice.pick([0.01, 0.5, 4])
        } else {
            manner = dice.pick(NetworkConditions.Manner.allCases)
            network = NetworkConditions(manner, failureTimeout: f, &dice)
            // Mostly well below the failure time-out, but nothing promises that.
            blockTime =
                f * (dice.chance(0.05) ? dice.pick([0.7, 1.5, 3]) : dice.pick([0.001, 0.003, 0.01, 0.03, 0.1, 0.25]))
            reduceTime = f * (dice.chance(0.05) ? 3 : dice.pick([0.001, 0.01, 0.1]))
            loadTime = f * (dice.chance(0.1) ? 4 : dice.pick([0.01, 0.1, 0.5]))
        }
        checkpointTime = f * dice.pick([0.01, 0.1, 0.5])
        sumTime = f * dice.pick([0.0001, 0.001, 0.01])
    }

    /// A long run of some workers on a good network, which gradients are summed in a number of pieces by workers, or by the coordinator.
    init(steps: Int, workers: Int, pieces: Int, seed: UInt64) {
        let f = Duration.seconds(2)
        do {
            timing = try Timing(failureTimeout: f, orphanTimeout: .seconds(1_000_000))
        } catch {
            preconditionFailure("\(error)")
        }
        model = Model(
            seed: seed, shards: 8, rounds: 1, stepsPerRound: steps, folds: 1, pieces: pieces, convergesAt: nil)
        (self.workers, minWorkers, isolation, audit) = (workers, workers, 0, .none)
        (workerWait, isPatient, isLocal, isSerene, manner) = (.seconds(1_000_000), true, false, false, .orderly)
        network = .calm(failureTimeout: f)
        (blockTime, reduceTime, loadTime) = (f / 200, f / 200, f / 100)
        (checkpointTime, sumTime) = (f / 100, f / 1000)
    }

    /// About how long the run takes without faults.
    var undisturbed: Duration {
        let pieces = model.rounds * (model.stepsPerRound + 1) + 1
        let blocks = (model.shards + workers - 1) / workers
        return loadTime + (blockTime * blocks + reduceTime + network.longest * 4) * pieces
    }

    func coordinator(
        epoch: Epoch, firstRound: RoundIndex, quarantined: [String: String]
    ) -> Coordinator.Configuration {
        Coordinator.Configuration(
            runID: Self.runID, epoch: epoch, shards: model.shards, rounds: model.rounds,
            stepsPerRound: model.stepsPerRound, timing: timing, minWorkers: minWorkers, workerWait: workerWait,
            instructionSet: "avx512", version: "1.0", matrixLibrary: "3.0", probe: Self.probe, audit: audit,
            quarantined: quarantined,
            firstRound: firstRound, pieces: model.pieces)
    }

    static let runID = RunID(high: 0x5E1, low: 0x1)
    static let probe = Digest(rawValue: 0xB0B)

    func worker(name: String, process: ProcessID, stranger: Stranger?, seed: UInt64) -> WorkerSession.Configuration {
        WorkerSession.Configuration(
            name: name,
            hello: Hello(
                version: stranger == .otherVersion ? "0.9" : "1.0", host: "host", processID: Int32(process.index),
                instructionSet: "avx512", matrixLibrary: stranger == .otherLibrary ? "2.6" : "3.0"),
            timing: timing, seed: seed)
    }
}
