import Common
import Dispatch
import Foundation
import SelMix
import Synchronization
import Training

/// Is the gain estimate honest? Compares the gains that a round computes with what small true steps do.
///
/// The gain rests on assumptions: that every sample of a class lies at the class's mean, that the mix ratio is its mean,
/// that soft predictions follow hard decisions. Here none of them is made, so that a rank correlation near 1 says that they
/// cost nothing on these data, and one near 0 that the choice of pairs is no better than chance.
public struct GainDiagnosis: Sendable {
    /// How many class pairs are measured.
    public var pairs: Int
    /// Of the choice of pairs, and of the samples and mix ratios of each step.
    public var seed: UInt64

    public init(pairs: Int, seed: UInt64) {
        self.pairs = pairs
        self.seed = seed
    }

    /// Validation rows that a soft confusion matrix is taken over: some 20,000, but 20 of each class if it has them.
    static func rowsPerClass(classes: Int) -> Int { max(20, 20_000 / classes) }

    /// - Parameters:
    ///   - head: what to call the head in the report.
    ///   - file: where the head came from; nil for the job's own.
    ///   - progress: told how many pairs have been measured; called on any thread, one call at a time.
    public func callAsFunction(
        _ run: PreparedRun, head: String, file: String? = nil,
        progress: @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) throws -> GainDiagnosisReport {
        let round = try FirstRound(run)
        let selection = round.selection
        let chosen = PairSample.draw(pairs, gain: selection.gain, seed: seed)
        let limit = Self.rowsPerClass(classes: run.classes)
        let rows = SoftConfusion.Rows(run.validation, limitPerClass: limit)
        let setting = StepMeasurement.Setting(
            head: round.head, batch: try round.mixedBatch(run, seed: seed),
            loss: run.job.loss.terms(trainCounts: run.trainCounts), rows: rows, objective: run.objective,
            multipliers: run.objective.multipliers(after: [], ConfusionStatistics(round.counts)))
        let measured = try measure(chosen, setting, progress: progress)
        return GainDiagnosisReport(
            run, head: head,
            isTrainedOnValidation: try file.map { try HeadFile.isTrained($0, on: run.validation) } ?? false,
            selection: selection, seed: seed, rows: rows,
            rowsPerClass: limit,
            pairs: zip(chosen, measured).map { pair, measured in
                .init(
                    label: pair.label, with: pair.partner,
                    estimated: Double(selection.gain[pair.label, pair.partner]), measured: measured)
            })
    }

    /// One figure a pair. Every pair is measured by itself, so the number of threads does not show in the figures.
    private func measure(
        _ pairs: [ClassPair], _ setting: StepMeasurement.Setting, progress: @Sendable (Int, Int) -> Void
    ) throws -> [Double] {
        struct State {
            var next = 0
            var done = 0
            var measured: [Double]
            var failure: (any Error)?
        }
        let state = Mutex(State(measured: [Double](repeating: 0, count: pairs.count)))
        DispatchQueue.concurrentPerform(iterations: threads(classes: setting.rows.classes)) { _ in
            do {
                let measurement = try StepMeasurement(setting)
                while true {
                    let index = state.withLock { state in
                        defer { state.next += 1 }
                        return state.failure == nil ? state.next : pairs.count
                    }
                    guard index < pairs.count else { return }
                    let value = try measurement(pairs[index], number: index)
                    state.withLock { state in
                        state.measured[index] = value
                        state.done += 1
                        progress(state.done, pairs.count)
                    }
                }
            } catch {
                state.withLock { $0.failure = error }
            }
        }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.measured
        }
    }

    /// As many as there are cores, as long as their confusion matrices take no more than some gigabytes.
    private func threads(classes: Int) -> Int {
        let perThread = 4 * classes * classes * 8
        return max(1, min(ProcessInfo.processInfo.activeProcessorCount, 4_000_000_000 / perThread))
    }
}
