import Common

@testable import Coordination

/// A cluster by hand: nothing is delivered, computed or timed out unless a command of a scenario says so.
///
/// Each worker has one queue to the coordinator and one back. What matters is written to the output; heartbeats and their
/// answers are not.
final class ScenarioCluster {
    final class Worker {
        let key: String
        var session: WorkerSession
        let probe: Digest
        var lives: [Incarnation] = []
        var toCoordinator: [(message: WorkerMessage, header: Header)] = []
        var toWorker: [(message: CoordinatorMessage, header: Header)] = []
        var holdsToCoordinator = false
        var holdsToWorker = false
        /// What is being computed.
        var assignment: Assignment?
        var nodesDone = 0
        /// Blocks of work done: one more at each heartbeat while it computes, unless it is stalled.
        var blocks: UInt64 = 0
        var isStalled = false
        /// What was sent, for sending it again.
        var sent: [(message: WorkerMessage, header: Header)] = []
        var isRunning = true

        init(key: String, session: WorkerSession, probe: Digest) {
            self.key = key
            self.session = session
            self.probe = probe
        }
    }

    static let runID = RunID(high: 1, low: 2)
    static let probe = Digest(rawValue: 7)

    var now = Instant.origin
    var core: Coordinator?
    var configuration: Coordinator.Configuration?
    var workers: [Worker] = []
    var timing: Timing?
    /// The answers of the coordinator's compute thread that are due.
    var results: [CoordinatorEvent] = []
    /// What the event log would tell a restart.
    var quarantined: [String: String] = [:]
    private var output: [String] = []

    func takeOutput() -> [String] {
        defer { output = [] }
        return output
    }

    func write(_ line: String) { output.append(line) }

    // MARK: Events

    func tell(_ event: CoordinatorEvent) {
        guard core != nil else { return }
        let directives = core!.step(event, at: now)
        core!.checkInvariants()
        for directive in directives { perform(directive) }
    }

    func tell(_ worker: Worker, _ event: WorkerEvent) {
        guard worker.isRunning else { return }
        for directive in worker.session.step(event, at: now) { perform(directive, worker) }
    }

    /// Delivers what is not held back, loads, and reduces, until nothing is left to do.
    func settle() {
        var moves = true
        while moves {
            moves = false
            for worker in workers {
                while !worker.holdsToCoordinator, !worker.toCoordinator.isEmpty {
                    let (message, header) = worker.toCoordinator.removeFirst()
                    tell(.received(message, header))
                    moves = true
                }
            }
            for worker in workers {
                while !worker.holdsToWorker, !worker.toWorker.isEmpty {
                    let (message, header) = worker.toWorker.removeFirst()
                    tell(worker, .received(message, header))
                    moves = true
                }
            }
            while !results.isEmpty {
                tell(results.removeFirst())
                moves = true
            }
        }
    }

    /// Lets time pass: alarms ring when they are due, and everything is delivered in between.
    func pass(_ duration: Duration) {
        let end = now + duration
        while true {
            var due = workers.filter(\.isRunning).compactMap(\.session.nextDeadline)
            if let deadline = core?.nextDeadline { due.append(deadline) }
            guard let next = due.min(), next <= end else { break }
            now = max(now, next)
            for worker in workers {
                guard let deadline = worker.session.nextDeadline, deadline <= now else { continue }
                if worker.assignment != nil, !worker.isStalled { worker.blocks += 1 }
                tell(worker, .tick(blocks: worker.blocks))
            }
            settle()
            if let deadline = core?.nextDeadline, deadline <= now { tell(.tick) }
            settle()
        }
        now = end
    }

    // MARK: Directives

    private func perform(_ directive: CoordinatorDirective) {
        switch directive {
        case .send(let message, let peer): send(message, to: peer)
        case .sendWeights(let version, let held, let peer):
            send(.weights(version, Digest(rawValue: 0), passedOn: false, after: held), to: peer)
        case .assign(let assignment, let peer): send(.assign(assignment), to: peer)
        case .listFiles, .serve: write("coordinator: \(directive)")
        case .keep(let node): write("coordinator: keeps \(node)")
        case .select(let round, let isLast):
            let digest = Digest(rawValue: isLast ? 0 : UInt64(round.rawValue + 1))
            results.append(.selected(Selection(round: round, digest: digest)))
        case .applyStep(let step):
            results.append(.stepped(StepResult(step: step, digest: Digest(rawValue: UInt64(step.rawValue)), loss: 0)))
        case .record(let event):
            if case .quarantined(let found) = event { quarantined[found.worker] = found.reason }
            write("coordinator: \(event)")
        case .drop(let node): write("coordinator: drops \(node)")
        case .keepSum, .dropSums: write("coordinator: \(directive)")
        case .recompute(let assignment):
            let node = TreeNode(assignment.shards[0].rawValue, assignment.shards.last!.rawValue + 1)
            results.append(
                .recomputed(
                    Contribution(
                        assignment: 0, work: assignment.work, weights: assignment.weights,
                        selection: assignment.selection, node: node, digest: Self.digest(of: node), loss: 0)))
        case .conclude:
            write("coordinator: writes the results")
            results.append(.concluded)
        case .finish: core = nil
        }
    }

    private func send(_ message: CoordinatorMessage, to peer: Incarnation) {
        if message != .alive { write("coordinator -> \(told(peer)): \(message)") }
        guard let worker = workers.first(where: { $0.lives.contains(peer) }) else { return }
        let header = Header(runID: Self.runID, epoch: configuration!.epoch, worker: "", incarnation: peer)
        worker.toWorker.append((message, header))
    }

    private func perform(_ directive: WorkerDirective, _ worker: Worker) {
        switch directive {
        case .connect(let incarnation):
            worker.lives.append(incarnation)
            worker.toCoordinator = []
        case .send(let message): send(message, from: worker)
        case .sendContribution(let contribution): send(.contribution(contribution), from: worker)
        case .load: tell(worker, .loaded(probe: worker.probe))
        case .compute(let assignment):
            worker.assignment = assignment
            worker.nodesDone = 0
        case .handIn: write("\(worker.key): \(directive)")
        case .reset: worker.assignment = nil
        case .exit(let exit):
            worker.isRunning = false
            switch exit {
            case .released(let reason): write("\(worker.key) exits, released: \(reason)")
            case .failed(let error): write("\(worker.key) exits, failed: \(error)")
            }
        }
    }

    func send(_ message: WorkerMessage, from worker: Worker) {
        if case .heartbeat = message {} else { write("\(told(worker.session.incarnation)) -> coordinator: \(message)") }
        worker.toCoordinator.append((message, worker.session.header))
        worker.sent.append((message, worker.session.header))
    }

    /// The worker's key, with the number of its life after the first.
    func told(_ incarnation: Incarnation) -> String {
        for worker in workers {
            guard let life = worker.lives.firstIndex(of: incarnation) else { continue }
            return life == 0 ? worker.key : "\(worker.key)(life \(life + 1))"
        }
        return "nobody"
    }
}
