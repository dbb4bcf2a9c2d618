import Common

@testable import Coordination

/// A scenario asks for something that there is not.
struct ScenarioError: Error, CustomStringConvertible {
    let description: String
}

extension ScenarioCluster {
    /// The words of one command: a verb, names, and settings such as `shards=4`.
    struct Words {
        let verb: String
        let names: [String]
        let settings: [String: String]

        init(_ line: String) {
            let words = line.split(separator: " ").map(String.init)
            verb = words.first ?? ""
            names = words.dropFirst().filter { !$0.contains("=") }
            settings = Dictionary(
                uniqueKeysWithValues: words.filter { $0.contains("=") }.map { word in
                    let parts = word.split(separator: "=", maxSplits: 1)
                    return (String(parts[0]), String(parts[1]))
                })
        }

        func number(_ key: String, _ fallback: Int) -> Int { settings[key].flatMap(Int.init) ?? fallback }
    }

    /// Carries out one line of a scenario.
    ///
    ///     cluster shards=4 rounds=1 steps=2 [minWorkers=1] [failureTimeout=2] [orphanTimeout=60] [workerWait=60]
    ///             [audit=percent]
    ///     start w1 [name=w1] [version=1.0] [library=3.0] [probe=7] [run=other]
    ///     train w1 w2             starts these, and brings them to the first step without a word
    ///     settle                  delivers everything
    ///     compute w1 [nodes=1] [wrong=5]   computes what it has in hand; its digests are that much too high
    ///     stall w1                it makes no more progress
    ///     pass 500ms              lets time pass, alarms ring
    ///     hold to|from w1         letters wait
    ///     release to|from w1
    ///     lose to|from w1         waiting letters are gone
    ///     again w1 hello life=1   the last such letter of that life arrives once more
    ///     forge w1 node=0-4 step=0 [digest=9] [weights=0]
    ///     stop w1 | kill w1 | restart round=1 | state
    func perform(_ line: String) throws {
        let words = Words(line)
        switch words.verb {
        case "cluster": try makeCluster(words)
        case "start": try start(words)
        case "train": try train(words)
        case "stall": try worker(words).isStalled = true
        case "settle": settle()
        case "pass":
            guard let text = words.names.first, text.hasSuffix("ms"), let milliseconds = Int(text.dropLast(2)) else {
                throw ScenarioError(description: "\(line): how long?")
            }
            pass(.milliseconds(milliseconds))
        case "compute":
            compute(
                try worker(words), nodes: words.number("nodes", .max), error: UInt64(words.number("wrong", 0)))
        case "hold", "release", "lose": try change(words)
        case "again": try sendAgain(words)
        case "forge": try forge(words)
        case "stop": tell(try worker(words), .stopRequested(reason: "told to"))
        case "kill": try worker(words).isRunning = false
        case "restart":
            configuration!.epoch = Epoch(rawValue: configuration!.epoch.rawValue + 1)
            configuration!.firstRound = RoundIndex(words.number("round", 0))
            configuration!.quarantined.merge(quarantined) { $1 }
            results = []
            core = Coordinator(configuration!)
            tell(.started)
        case "state": writeState()
        default: throw ScenarioError(description: "no command: \(line)")
        }
    }

    private func makeCluster(_ words: Words) throws {
        let timing = try Timing(
            failureTimeout: .seconds(words.number("failureTimeout", 2)),
            orphanTimeout: .seconds(words.number("orphanTimeout", 60)))
        self.timing = timing
        configuration = Coordinator.Configuration(
            runID: Self.runID, epoch: Epoch(rawValue: 1), shards: words.number("shards", 4),
            rounds: words.number("rounds", 1), stepsPerRound: words.number("steps", 1), timing: timing,
            minWorkers: words.number("minWorkers", 1), workerWait: .seconds(words.number("workerWait", 60)),
            instructionSet: "avx512", version: "1.0", matrixLibrary: "3.0", probe: Self.probe,
            audit: AuditPlan(seed: 1, fraction: Double(words.number("audit", 0)) / 100))
        core = Coordinator(configuration!)
        tell(.started)
    }

    private func start(_ words: Words) throws {
        guard let key = words.names.first, let timing else { throw ScenarioError(description: "start whom?") }
        let hello = Hello(
            version: words.settings["version"] ?? "1.0", host: "host", processID: 1, instructionSet: "avx512",
            matrixLibrary: words.settings["library"] ?? "3.0")
        let session = WorkerSession(
            .init(
                name: words.settings["name"] ?? key, hello: hello, timing: timing, seed: UInt64(workers.count + 1)))
        let worker = Worker(
            key: key, session: session, probe: Digest(rawValue: UInt64(words.number("probe", 7))))
        workers.append(worker)
        tell(worker, .started)
    }

    private func train(_ words: Words) throws {
        for name in words.names { try start(Words("start \(name)")) }
        settle()
        for name in words.names { compute(try worker(Words("compute \(name)")), nodes: .max, error: 0) }
        settle()
        _ = takeOutput()
        writeState()
    }

    private func worker(_ words: Words) throws -> Worker {
        guard let worker = workers.first(where: { words.names.contains($0.key) }) else {
            throw ScenarioError(description: "no worker among \(words.names)")
        }
        return worker
    }

    private func compute(_ worker: Worker, nodes: Int, error: UInt64) {
        guard let assignment = worker.assignment else { return write("\(worker.key) has nothing to compute") }
        let all = assignment.nodes(shards: configuration!.shards)
        let generation = worker.session.incarnation
        for node in all.dropFirst(worker.nodesDone).prefix(nodes) where worker.session.incarnation == generation {
            worker.nodesDone += 1
            tell(
                worker,
                .computed(
                    Contribution(
                        assignment: assignment.number, work: assignment.work, weights: assignment.weights,
                        selection: assignment.selection, node: node,
                        digest: Digest(rawValue: Self.digest(of: node).rawValue + error), loss: 0)))
        }
        if worker.nodesDone == all.count {
            worker.assignment = nil
            tell(worker, .assignmentDone(assignment.number))
        }
    }

    static func digest(of node: TreeNode) -> Digest { Digest(rawValue: UInt64(node.lower * 100 + node.upper)) }

    private func change(_ words: Words) throws {
        let worker = try worker(words)
        let isTo = words.names.contains("to")
        switch words.verb {
        case "hold": if isTo { worker.holdsToWorker = true } else { worker.holdsToCoordinator = true }
        case "release": if isTo { worker.holdsToWorker = false } else { worker.holdsToCoordinator = false }
        default: if isTo { worker.toWorker = [] } else { worker.toCoordinator = [] }
        }
    }

    private func sendAgain(_ words: Words) throws {
        let worker = try worker(words)
        let life = worker.lives[words.number("life", worker.lives.count) - 1]
        guard
            let old = worker.sent.last(where: {
                $0.header.incarnation == life && "\($0.message)".hasPrefix(words.names.last ?? "")
            })
        else {
            throw ScenarioError(description: "\(worker.key) has sent no \(words.names.last ?? "")")
        }
        write("\(told(old.header.incarnation)) -> coordinator, again: \(old.message)")
        tell(.received(old.message, old.header))
    }

    private func forge(_ words: Words) throws {
        let worker = try worker(words)
        let ends = (words.settings["node"] ?? "").split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2 else { throw ScenarioError(description: "which node?") }
        let node = TreeNode(ends[0], ends[1])
        let work: Work =
            words.settings["step"] == nil
            ? .validate(RoundIndex(words.number("round", 0))) : .train(StepIndex(words.number("step", 0)))
        let digest =
            words.settings["digest"].flatMap { UInt64($0) }.map { Digest(rawValue: $0) } ?? Self.digest(of: node)
        let contribution = Contribution(
            assignment: UInt64(words.number("assignment", 0)), work: work,
            weights: WeightsVersion(words.number("weights", core!.weights.rawValue)),
            selection: words.settings["step"] == nil ? Digest(rawValue: 0) : core!.selection, node: node,
            digest: digest, loss: 0)
        write("\(told(worker.session.incarnation)) -> coordinator, forged: contribution \(contribution)")
        tell(.received(.contribution(contribution), worker.session.header))
    }

    private func writeState() {
        guard let core else { return write("the coordinator is gone") }
        write("\(core.phase), weights \(core.weights)")
        for record in core.workers.values.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            let held = record.outstanding.map {
                "#\($0.assignment.number) \($0.missing.sorted { $0.lower < $1.lower })"
            }
            let holds = held.isEmpty ? "nothing" : held.joined(separator: ", ")
            write("\(told(record.incarnation)): \(record.state), holds \(holds)")
        }
        write("counted: \(core.ledger.entries.map(\.node))")
    }
}
