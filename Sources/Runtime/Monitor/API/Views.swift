// The answers of the API, each made from one snapshot.

extension RoundsStatus {
    static let mostSteps = 512

    /// - Parameters:
    ///   - from: the first round that is wanted.
    ///   - steps: how many of the last steps are wanted, of those after `after`.
    init(_ snapshot: MonitorSnapshot, from: Int, steps: Int, after: Int = -1) {
        let kept = snapshot.steps.suffix(min(steps, Self.mostSteps)).filter { $0.result.step.rawValue > after }
        self.init(
            sequence: snapshot.sequence, time: snapshot.run.time,
            rounds: snapshot.rounds.filter { $0.report.round >= from },
            steps: kept.map { StepStatus($0, snapshot.facts.timestamp) })
    }
}

extension EventsStatus {
    static let most = 2000

    /// - Parameter after: events of a higher number are wanted; the newest `limit` of them.
    init(_ snapshot: MonitorSnapshot, after: Int, limit: Int) {
        let kept = snapshot.events.suffix(Self.most)
        self.init(
            sequence: snapshot.sequence, time: snapshot.run.time, first: kept.first?.number ?? 0,
            last: kept.last?.number ?? 0, events: Array(kept.filter { $0.number > after }.suffix(limit)))
    }
}

extension SelectionStatus {
    init(_ snapshot: MonitorSnapshot) {
        let (facts, view) = (snapshot.facts, snapshot.selection)
        self.init(
            sequence: snapshot.sequence, time: snapshot.run.time, round: view?.round,
            digest: view?.selection?.digest.description, classes: snapshot.run.classes, order: facts.order,
            trainCounts: facts.trainCounts, headClasses: facts.headClasses, recall: view?.counts.recalls,
            recallBefore: view?.before.recalls, coverage: view?.counts.coverages,
            validationCounts: view?.counts.rowTotals, pseudoLabelCounts: snapshot.pseudoLabelCounts,
            largestGain: view?.gainRange.map { Double($0.1) }, smallestGain: view?.gainRange.map { Double($0.0) },
            positivePairs: view?.selection?.distribution.positivePairs, topPairs: view?.topPairs,
            matrices: view?.matrices.map(\.rawValue) ?? [])
    }
}

extension MatrixStatus {
    /// - Returns: nil where there is no such matrix yet, or it is not kept.
    init?(_ snapshot: MonitorSnapshot, _ query: MatrixQuery) {
        guard let view = snapshot.selection, let block = view.block(query) else { return nil }
        let isConfusion = query.matrix == .confusion || query.matrix == .confusionBefore
        self.init(
            sequence: snapshot.sequence, time: snapshot.run.time, round: view.round, matrix: query.matrix.rawValue,
            statistic: query.statistic.rawValue, rowLabel: isConfusion ? "true class" : "label class",
            columnLabel: isConfusion ? "predicted class" : "mixed-in class",
            unit: isConfusion ? "share of the row" : query.matrix == .gain ? "gain" : "probability",
            rowBins: block.rowBins, columnBins: block.columnBins, values: block.values,
            minimum: block.values.min() ?? 0, maximum: block.values.max() ?? 0)
    }
}
