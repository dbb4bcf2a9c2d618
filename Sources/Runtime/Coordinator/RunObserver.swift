import Common
import Coordination
import SelMix

/// Who is told what happens in a run: the event log, the progress bar. Called on the coordinator's network thread; must
/// not block for long.
public protocol RunObserver: AnyObject {
    func happened(_ event: RunEvent)
    /// Comes just before the step itself is told.
    func stepTraced(_ trace: StepTrace)
    /// - Parameter metrics: of the round's validation, with the recall of every class.
    func roundEnded(_ report: RoundReport, _ metrics: Metrics)
    /// A message that belonged to nothing was dropped.
    func rejected(_ reason: String)
    /// The state before this round was written, or could not be.
    func checkpointed(before round: RoundIndex, error: SelMixError?)
}
