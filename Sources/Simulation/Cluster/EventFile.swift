import Common
import Coordination

/// The run's event log as production has it, of which the steps' lines are modelled: written one after another, synced
/// before each checkpoint, and cut to something that was synced when the machine, not only the process, dies.
struct EventFile {
    private(set) var steps: [StepResult] = []
    /// Lines that outlast the machine.
    private var synced = 0

    /// Logs a step, unless an earlier start of the coordinator has.
    ///
    /// - Returns: false when it was logged with another digest.
    mutating func append(_ result: StepResult) -> Bool {
        let index = result.step.rawValue
        if index < steps.count, steps[index].step == result.step { return steps[index].digest == result.digest }
        steps.append(result)
        return true
    }

    /// - Returns: how many lines are durable, which the checkpoint that follows says.
    mutating func sync() -> Int {
        synced = steps.count
        return synced
    }

    /// The machine dies: some of what was not synced is lost.
    mutating func crash(_ dice: inout Dice) { steps.removeLast(steps.count - dice.whole(synced...steps.count)) }

    /// Each step has one line, in order, up to `last`.
    func check(upTo last: StepIndex?) throws(Violation) {
        let wanted = (last?.rawValue ?? -1) + 1
        guard steps.map(\.step) == (0..<wanted).map({ StepIndex($0) }) else {
            throw Violation("the event log has the steps \(steps.map(\.step)), and \(wanted) were taken")
        }
    }
}
