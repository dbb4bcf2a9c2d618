import Common
import Coordination

// What worker processes do for the group that they sum with: parts of gradients to those who sum them, sums to the
// coordinator, pieces of new weights to each other.

extension Cluster {
    // MARK: Answers

    /// To the group, or, if it is given up or there is none, to the coordinator.
    func sendContribution(_ contribution: Contribution, from id: ProcessID) throws(Violation) {
        let worker = workers[id.index]
        let tensors = worker.tensorsInHand
        guard !contribution.pieces.isEmpty, case .gradient(let sum) = tensors else {
            return try send(.contribution(contribution), tensors, from: id, over: .bulk)
        }
        if contribution.weights == worker.weights?.version { workers[id.index].exchange.keep(contribution, tensors) }
        guard !worker.exchange.handedIn.contains(contribution.assignment) else {
            return try send(.contribution(contribution.toCoordinator), tensors, from: id, over: .bulk)
        }
        try give(sum.gradient, of: contribution, from: id)
        try send(.contribution(contribution), .none, from: id, over: .bulk)
    }

    private func give(
        _ gradient: Model.Parameters, of contribution: Contribution, from id: ProcessID
    ) throws(Violation) {
        guard case .train(let step) = contribution.work, let group = workers[id.index].computations[0].assignment.group
        else { throw Violation("\(contribution) is cut into pieces, and is not for a group") }
        for index in 0..<model.pieces {
            let part = GradientPart(step: step, node: contribution.node, index: index)
            let piece = model.piece(index, of: gradient)
            let reducer = group.reducer(of: index)
            if reducer.life == workers[id.index].session.incarnation {
                take(part, piece, on: id)
            } else {
                send(.part(part), piece, from: id, to: reducer)
            }
        }
    }

    /// The group is given up: all that was computed for it goes to the coordinator.
    func handIn(_ assignment: UInt64, from id: ProcessID) throws(Violation) {
        workers[id.index].exchange.handIn(assignment)
        for (contribution, tensors) in workers[id.index].exchange.outbox[assignment] ?? [] {
            try send(.contribution(contribution.toCoordinator), tensors, from: id, over: .bulk)
        }
    }

    // MARK: Between workers

    private func send(
        _ message: PeerMessage, _ piece: Model.Parameters, from id: ProcessID, to member: ReductionGroup.Member
    ) {
        guard let peer = workers.first(where: { $0.address == member.address })?.id else { return }
        let session = workers[id.index].session
        send(
            PeerLetter(
                message: message, header: session.header, tensors: .piece(piece), sender: session.incarnation,
                epoch: session.header.epoch),
            from: id, to: peer)
    }

    func deliver(_ letter: PeerLetter, to id: ProcessID) throws(Violation) {
        let worker = workers[id.index]
        let own = worker.session.header
        guard worker.isRunning, worker.isLoaded, own.epoch != .unknown, letter.header.epoch == own.epoch,
            letter.header.runID == own.runID, case .piece(let piece) = letter.tensors
        else { return }
        trace.line(now) { "\(told(own.incarnation)) <- \(told(letter.sender)): \(letter.message.told)" }
        switch letter.message {
        case .part(let part):
            take(part, piece, on: id)
        case .weightsPiece(let version, let index):
            workers[id.index].exchange.add(piece, index, of: version)
            try deliverWaiting(id)
        }
    }

    // MARK: Sums

    private func take(_ part: GradientPart, _ piece: Model.Parameters, on id: ProcessID) {
        guard var parts = workers[id.index].exchange.intake.add(part, piece) else { return }
        let digests = parts.reduce(into: [TreeNode: Digest]()) {
            $0[$1.key] = model.digest(ofPiece: part.index, $1.value)
        }
        if canary == .partialSum, parts.count > 1, canaryDice.chance(0.2) { parts[part.node] = .zero }
        let values = TreeNode.root(shards: model.shards).reduce({ parts[$0] }, add: +)
        let sum = PieceSum(
            step: part.step, index: part.index, parts: digests, digest: model.digest(ofPiece: part.index, values))
        schedule(
            .summed(id, sum, values, generation: workers[id.index].generation),
            after: settings.sumTime * workers[id.index].slowness)
    }

    func summed(_ sum: PieceSum, _ values: Model.Parameters, on id: ProcessID) throws(Violation) {
        guard workers[id.index].isRunning else { return }
        try send(.sum(sum), .piece(values), from: id, over: .bulk)
    }

    // MARK: Weights

    func passOn(_ piece: Model.Parameters, _ index: Int, of version: WeightsVersion, from id: ProcessID) {
        guard canary != .lazyRelay else { return }
        for member in workers[id.index].exchange.receivers(of: version)
        where member.life != workers[id.index].session.incarnation {
            send(.weightsPiece(version, index: index), piece, from: id, to: member)
        }
    }

    /// The weights that a letter brings or announces: all heads.
    ///
    ///
    /// - Returns: nil while pieces of them are on their way from other workers, when the letter waits; and where the weights
    ///   follow others than the worker holds.
    func weights(
        _ version: WeightsVersion, after earlier: WeightsVersion?, _ letter: CoordinatorLetter, _ id: ProcessID
    ) -> [Model.Parameters]? {
        let worker = workers[id.index]
        if let present = worker.weights, present.version >= version {
            return present.version == version ? present.heads : nil
        }
        guard earlier == nil || earlier == worker.weights?.version else { return nil }
        var heads = worker.weights?.heads ?? Array(repeating: .zero, count: model.folds)
        if case .weights(let included) = letter.tensors {
            for (head, values) in included { heads[head] = values }
            return heads
        }
        if let pieces = worker.exchange.all(of: version, count: model.pieces) {
            heads[model.turns.head(of: StepIndex(version.rawValue - 1))] = model.assembled(pieces)
            return heads
        }
        workers[id.index].exchange.wait(for: version, letter)
        return nil
    }

    /// Handles what waited for weights that are whole now.
    func deliverWaiting(_ id: ProcessID) throws(Violation) {
        let exchange = workers[id.index].exchange
        guard let waiting = exchange.waiting else { return }
        let isThere = workers[id.index].weights.map { $0.version >= waiting.version } ?? false
        guard isThere || exchange.all(of: waiting.version, count: model.pieces) != nil else { return }
        for letter in workers[id.index].exchange.stopWaiting() { try deliver(letter, to: id) }
    }
}
