import Common
import Coordination

/// Who is told what happens in a run: the event log, the progress bar. Called on the coordinator's network thread; must
/// not block for long.
protocol RunObserver: AnyObject {
    func happened(_ event: RunEvent)
    /// Comes just before the step itself is told.
    func stepTraced(_ trace: StepTrace)
    func roundEnded(_ result: TrainingEngine.RoundResult)
    /// Messages or connections were refused.
    func rejected(_ rejection: Rejection, count: Int)
    /// The state before this round was written, or could not be.
    func checkpointed(before round: RoundIndex, error: SelMixError?)
    /// When ``turned(_:)`` wants to be called next.
    var nextTurn: Instant { get }
    /// The network thread has handled all that had arrived.
    func turned(_ coordinator: Coordinator)
}
