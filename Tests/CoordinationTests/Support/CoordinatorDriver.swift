import Common

@testable import Coordination

/// A coordinator for tests, with workers that are only headers.
struct CoordinatorDriver {
    static let runID = RunID(high: 1, low: 2)
    static let probe = Digest(rawValue: 7)

    var core: Coordinator
    var now = Instant.origin

    init(
        shards: Int = 4, rounds: Int = 1, steps: Int = 2, minWorkers: Int = 1, epoch: UInt64 = 1, firstRound: Int = 0,
        audit: Double = 0, pieces: Int = 0
    ) throws {
        core = Coordinator(
            .init(
                runID: Self.runID, epoch: Epoch(rawValue: epoch), shards: shards, rounds: rounds, stepsPerRound: steps,
                timing: try Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(60)), minWorkers: minWorkers,
                workerWait: .seconds(10), instructionSet: "avx512", version: "1.0", matrixLibrary: "3.0",
                probe: Self.probe, audit: AuditPlan(seed: 1, fraction: audit), firstRound: RoundIndex(firstRound),
                pieces: pieces))
        step(.started)
    }

    @discardableResult
    mutating func step(_ event: CoordinatorEvent) -> [CoordinatorDirective] {
        let directives = core.step(event, at: now)
        core.checkInvariants()
        return directives
    }

    /// Lets time pass and rings the alarm.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [CoordinatorDirective] {
        now = now + duration
        return step(.tick)
    }

    func header(_ life: UInt64, name: String? = nil, runID: RunID? = Self.runID, epoch: UInt64? = nil) -> Header {
        Header(
            runID: runID, epoch: epoch.map { Epoch(rawValue: $0) } ?? core.configuration.epoch,
            worker: name ?? "w\(life)", incarnation: Incarnation(rawValue: life))
    }

    static let hello = Hello(
        version: "1.0", host: "host", processID: 1, instructionSet: "avx512", matrixLibrary: "3.0")

    @discardableResult
    mutating func greet(_ life: UInt64, name: String? = nil, hello: Hello = Self.hello) -> [CoordinatorDirective] {
        var header = header(life, name: name, runID: nil)
        header.epoch = .unknown
        return step(.received(.hello(hello), header))
    }

    @discardableResult
    mutating func beat(
        _ life: UInt64, ready: Bool = true, blocks: UInt64 = 0, weights: Int? = nil, holding: [UInt64] = [],
        isReachable: Bool = true
    ) -> [CoordinatorDirective] {
        let heartbeat = Heartbeat(
            phase: ready ? .ready(probe: Self.probe) : .loading, blocks: blocks,
            weights: weights.map { WeightsVersion($0) }, holding: holding,
            peerAddress: isReachable ? "tcp://w\(life)" : "")
        return step(.received(.heartbeat(heartbeat), header(life)))
    }

    /// Brings a worker from its first hello to being ready.
    @discardableResult
    mutating func join(_ life: UInt64) -> [CoordinatorDirective] { greet(life) + beat(life) }

    /// The assignments that a worker holds.
    func held(_ life: UInt64) -> [Assignment] {
        core.workers[Incarnation(rawValue: life)]?.outstanding.map(\.assignment) ?? []
    }

    /// A worker answers one node, or all nodes, of its assignments.
    @discardableResult
    mutating func answer(_ life: UInt64, node: TreeNode? = nil) -> [CoordinatorDirective] {
        var directives: [CoordinatorDirective] = []
        for assignment in held(life) {
            for each in assignment.nodes(shards: core.configuration.shards) where node == nil || node == each {
                directives += contribute(life, assignment, each)
            }
        }
        return directives
    }

    /// For a group, with what its pieces are.
    @discardableResult
    mutating func contribute(
        _ life: UInt64, _ assignment: Assignment, _ node: TreeNode, digest: UInt64? = nil
    ) -> [CoordinatorDirective] {
        let pieces = assignment.group == nil ? [] : (0..<core.configuration.pieces).map { part($0, of: node, digest) }
        return step(
            .received(
                .contribution(
                    Contribution(
                        assignment: assignment.number, work: assignment.work, weights: assignment.weights,
                        selection: assignment.selection, node: node,
                        digest: Digest(rawValue: digest ?? UInt64(node.lower * 100 + node.upper)), pieces: pieces,
                        loss: 0)),
                header(life)))
    }

    /// The digest of a piece of what a worker answers for a node.
    func part(_ index: Int, of node: TreeNode, _ digest: UInt64? = nil) -> Digest {
        Digest(rawValue: (digest ?? UInt64(node.lower * 100 + node.upper)) * 10 + UInt64(index))
    }

    /// A worker sums a piece of a step from these nodes.
    @discardableResult
    mutating func sum(_ life: UInt64, _ index: Int, of step: Int, from nodes: [TreeNode]) -> [CoordinatorDirective] {
        let parts = nodes.map { ($0, part(index, of: $0)) }
        let sum = PieceSum(
            step: StepIndex(step), index: index, parts: Dictionary(uniqueKeysWithValues: parts),
            digest: Digest(rawValue: UInt64(index)))
        return self.step(.received(.sum(sum), header(life)))
    }

    /// The shell answers a validation.
    @discardableResult
    mutating func select(_ round: Int, converged: Bool = false) -> [CoordinatorDirective] {
        step(
            .selected(
                Selection(round: RoundIndex(round), digest: Digest(rawValue: UInt64(round + 1)), converged: converged)))
    }

    /// The shell answers a step.
    @discardableResult
    mutating func apply(_ step: Int) -> [CoordinatorDirective] {
        self.step(.stepped(StepResult(step: StepIndex(step), digest: Digest(rawValue: UInt64(step)), loss: 0)))
    }
}

extension [CoordinatorDirective] {
    var records: [RunEvent] { compactMap { if case .record(let event) = $0 { event } else { nil } } }

    /// The assignments that go out, with the life that each goes to.
    var assignments: [(assignment: Assignment, life: UInt64)] {
        compactMap { if case .assign(let assignment, let peer) = $0 { (assignment, peer.rawValue) } else { nil } }
    }

    func sent(to life: UInt64) -> [CoordinatorMessage] {
        compactMap { directive in
            guard case .send(let message, let peer) = directive, peer.rawValue == life else { return nil }
            return message
        }
    }

    var outcome: Outcome? {
        for case .finish(let outcome) in self { return outcome }
        return nil
    }
}
