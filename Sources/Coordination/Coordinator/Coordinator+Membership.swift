import Common

// Who belongs to the run: hello, welcome, ready, leaving.

extension Coordinator {
    mutating func onHello(
        _ hello: Hello, _ header: Header, at now: Instant, _ directives: inout [CoordinatorDirective]
    ) {
        if let known = workers[header.incarnation] {
            // Our welcome was lost, or is still on its way.
            workers[known.incarnation]?.lastHeard = now
            directives.append(.send(.welcome(welcome), to: header.incarnation))
            return
        }
        guard !givenUp.contains(header.incarnation) else {
            // A late hello, or one that was sent while our answers did not arrive.
            directives.append(.send(.rejoin(reason: "this start of you was given up"), to: header.incarnation))
            return
        }
        switch admission(of: hello, header) {
        case .refused(let reason, let retry):
            directives.append(.send(.refused(reason: reason, retry: retry), to: header.incarnation))
            if !retry {
                directives.append(.record(.workerRefused(header.worker, header.incarnation, reason: reason)))
            }
        case .admitted:
            workers[header.incarnation] = WorkerRecord(
                name: header.worker, host: hello.host, incarnation: header.incarnation, joinOrder: joined,
                lastHeard: now, hello: hello, joinedAt: now)
            joined += 1
            directives.append(.record(.workerJoined(header.worker, header.incarnation, hello)))
            directives.append(.send(.welcome(welcome), to: header.incarnation))
        }
    }

    /// Twice what a job may ask for. Whoever reaches the port without a key can say hello under any number of names.
    static let mostWorkers = 8192

    private enum Admission {
        case admitted
        case refused(reason: String, retry: Bool)
    }

    private func admission(of hello: Hello, _ header: Header) -> Admission {
        if header.protocolVersion != protocolVersion || hello.version != configuration.version {
            return .refused(
                reason: "worker \(header.worker) is selmix \(hello.version) (protocol \(header.protocolVersion)), the "
                    + "coordinator is selmix \(configuration.version) (protocol \(protocolVersion)): install the same",
                retry: false)
        }
        if let runID = header.runID, runID != configuration.runID {
            return .refused(
                reason: "worker \(header.worker) belongs to run \(runID), this is run \(configuration.runID)",
                retry: false)
        }
        if let reason = quarantined[header.worker] {
            return .refused(reason: "worker \(header.worker) is quarantined: \(reason)", retry: false)
        }
        if hello.matrixLibrary != configuration.matrixLibrary {
            return .refused(
                reason: "worker \(header.worker) has oneDNN \(hello.matrixLibrary), the coordinator "
                    + "\(configuration.matrixLibrary): they may round differently; install the same",
                retry: false)
        }
        if workers.count >= Self.mostWorkers {
            return .refused(reason: "\(workers.count) workers are already there", retry: true)
        }
        if workers.values.contains(where: { $0.name == header.worker }) {
            // An earlier start of the same worker may not have been given up yet, so this can pass.
            return .refused(
                reason: "a worker named \(header.worker) is already there; if it died, its lease ends within "
                    + configuration.timing.lease.told,
                retry: true)
        }
        return .admitted
    }

    private var welcome: Welcome {
        Welcome(
            instructionSet: configuration.instructionSet,
            heartbeatInterval: configuration.timing.heartbeatInterval,
            orphanTimeout: configuration.timing.orphanTimeout, shards: configuration.shards)
    }

    mutating func onHeartbeat(
        _ heartbeat: Heartbeat, from incarnation: Incarnation, at now: Instant,
        _ directives: inout [CoordinatorDirective]
    ) {
        guard var worker = workers[incarnation] else { return }
        directives.append(.send(.alive, to: incarnation))
        worker.telemetry = heartbeat.telemetry ?? worker.telemetry
        worker.selfTest = heartbeat.selfTest ?? worker.selfTest
        if case .ready(let probe) = heartbeat.phase, worker.state == .joining {
            guard probe == configuration.probe else {
                let reason =
                    "worker \(worker.name) rounds differently (probe \(probe), here \(configuration.probe)): its "
                    + "processor or libraries differ"
                turnAway(worker, reason: reason, &directives)
                return
            }
            let problems = problems(of: worker)
            if !problems.isEmpty {
                let reason = "worker \(worker.name) is far slower than the others: " + problems.joined(separator: "; ")
                guard !configuration.refusesSlowWorkers else {
                    turnAway(worker, reason: reason, &directives)
                    return
                }
                directives.append(.record(.workerFarSlower(worker.name, incarnation, reason: reason)))
            }
            worker.state = .ready
            directives.append(.record(.workerReady(worker.name, incarnation)))
        }
        if let staging = heartbeat.staging, staging.doneBytes > worker.staging?.doneBytes ?? 0, shortSince != nil {
            // Files take as long as they take; a worker that gets on with them is waited for.
            shortSince = now
        }
        worker.staging = heartbeat.staging
        worker.peerAddress = heartbeat.peerAddress
        let moved = heartbeat.blocks != worker.blocks
        worker.blocks = heartbeat.blocks
        // Progress shows on whatever it holds: it works on one assignment at a time.
        for index in worker.outstanding.indices
        where moved && heartbeat.holding.contains(worker.outstanding[index].assignment.number) {
            worker.outstanding[index].lastSign = now
        }
        for index in worker.late.indices where moved { worker.late[index].lastSign = now }
        // What it does not hold any more it has done, or it never got there.
        worker.late.removeAll {
            !heartbeat.holding.contains($0.assignment.number)
                && now >= $0.lastSent + configuration.timing.heartbeatInterval
        }
        workers[incarnation] = worker
        resendLost(to: incarnation, heartbeat, at: now, &directives)
    }

    mutating func turnAway(
        _ worker: WorkerRecord, reason: String, _ directives: inout [CoordinatorDirective]
    ) {
        directives.append(.send(.refused(reason: reason, retry: false), to: worker.incarnation))
        directives.append(.record(.workerRefused(worker.name, worker.incarnation, reason: reason)))
        workers[worker.incarnation] = nil
        givenUp.insert(worker.incarnation)
    }

    /// A person asks that a worker leaves; nothing happens where there is none of this name.
    mutating func onDrainRequested(
        _ name: String, reason: String, _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers.values.first(where: { $0.name == name }) else { return }
        onLeaving(reason, from: worker.incarnation, &directives)
    }

    /// Requests that a worker may have under way. Its own window is half of that; whoever asks for more is not waited on.
    static let fetchLimit = 2 * StagingSession.window

    mutating func onFetch(
        _ answer: CoordinatorDirective, from incarnation: Incarnation, _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers[incarnation], worker.fetching < Self.fetchLimit else { return }
        workers[incarnation]?.fetching += 1
        directives.append(answer)
    }

    mutating func onLeaving(
        _ reason: String, from incarnation: Incarnation, _ directives: inout [CoordinatorDirective]
    ) {
        guard let worker = workers[incarnation], worker.state != .draining else { return }
        workers[incarnation]?.state = .draining
        workers[incarnation]?.leavingReason = reason
        directives.append(.record(.workerDraining(worker.name, incarnation, reason: reason)))
    }

    /// Lets draining workers go that hold nothing any more.
    mutating func releaseDrained(_ directives: inout [CoordinatorDirective]) {
        let drained = workers.values.filter {
            $0.state == .draining && $0.outstanding.isEmpty && !isNeededByGroup($0.incarnation)
        }
        for worker in drained.sorted(by: { $0.joinOrder < $1.joinOrder }) {
            workers[worker.incarnation] = nil
            givenUp.insert(worker.incarnation)
            directives.append(.send(.release(reason: "drained"), to: worker.incarnation))
            directives.append(.record(.workerLeft(worker.name, worker.incarnation)))
        }
    }
}
