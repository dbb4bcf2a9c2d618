import Common
import Coordination

// What the coordinating process does where workers sum among themselves.

extension Cluster {
    func hasAnnouncedDigest(_ letter: WorkerLetter) -> Bool {
        switch (letter.message, letter.tensors) {
        case (.contribution(let contribution), .none):
            model.digest(ofPieces: contribution.pieces, loss: contribution.loss) == contribution.digest
        case (.contribution(let contribution), let tensors): model.digest(of: tensors) == contribution.digest
        case (.sum(let sum), .piece(let piece)): model.digest(ofPiece: sum.index, piece) == sum.digest
        default: true
        }
    }

    func keepSum(_ index: Int, _ letter: WorkerLetter?) throws(Violation) {
        guard let letter, case .sum(let sum) = letter.message, case .piece(let piece) = letter.tensors,
            sum.index == index
        else { throw Violation("told to keep the sum of piece \(index), which did not come") }
        try membership.kept(letter, epoch: coordinator!.epoch)
        try counting.keptSum(sum, piece, from: letter.sender, mayBeWrong: !liars.isEmpty)
        coordinator!.sums[index] = piece
    }

    /// New weights go out by way of who summed: each piece to one worker, which passes it on to the others.
    func passWeightsOn(_ version: WeightsVersion) {
        guard let group = coordinator!.core.group else { return }
        let weights = coordinator!.state.heads[model.turns.head(of: StepIndex(version.rawValue - 1))]
        for index in 0..<model.pieces {
            send(
                .weightsPiece(version, index: index), .piece(model.piece(index, of: weights)),
                to: group.reducer(of: index).life, over: .bulk)
        }
        coordinator!.passingOn = (version, Set(group.members.map(\.life)))
    }

    /// Whoever gets pieces of them anyway is told of them alone, the first time; a repeat brings all.
    ///
    /// - Parameter held: the version that the worker holds, or was sent: it gets the heads that were trained since then.
    func sendWeights(_ version: WeightsVersion, after held: WeightsVersion?, to peer: Incarnation) {
        let heads = coordinator!.state.heads
        let included = model.turns.trained(after: held, upTo: version)
        let isPassedOn =
            coordinator!.passingOn?.version == version
            && coordinator!.passingOn?.lives.remove(peer) != nil
        send(
            .weights(version, model.digest(of: included.map { heads[$0] }), passedOn: isPassedOn, after: held),
            isPassedOn
                ? .none : .weights(included.reduce(into: [:]) { $0[$1] = heads[$1] }), to: peer, over: .bulk)
    }
}
