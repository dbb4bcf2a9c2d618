import Coordination

/// All that is told of a run, at one time. Status, page, stream and metrics are made from it and from nothing else.
struct MonitorSnapshot: Sendable {
    /// What does not change.
    struct Facts: Sendable {
        /// The class at each position, by decreasing training frequency, [K].
        var order: [Int]
        var trainCounts: [Int]
        var headClasses: [Int]
        var timestamp: Timestamp
    }

    /// A step that was taken, told in full only when somebody asks.
    struct Step: Sendable {
        var result: StepResult
        var trace: StepTrace?
        var begin: Instant
        var end: Instant
    }

    var sequence: UInt64 = 0
    var facts: Facts
    var run: RunStatus
    var workers: WorkersStatus
    var rounds: [RoundStatus] = []
    /// The last ones, oldest first.
    var steps: [Step] = []
    var events: [EventStatus] = []
    var pseudoLabelCounts: [Int]?
    var selection: SelectionView?
}

extension StepStatus {
    init(_ step: MonitorSnapshot.Step, _ timestamp: Timestamp) {
        self.step = step.result.step.rawValue
        time = timestamp(step.end)
        seconds = (step.end - step.begin).seconds
        loss = step.result.loss
        waitedFor = step.trace?.waitedFor ?? ""
        waitedSeconds = step.trace?.waited.seconds ?? 0
        workers = (step.trace?.contributors ?? [:]).sorted { $0.key < $1.key }.map { name, nodes in
            Part(name: name, seconds: (step.trace?.arrivals[name].map { ($0 - step.begin).seconds }) ?? 0, nodes: nodes)
        }
    }
}
