import Coordination

/// How the network of a run behaves between its sudden faults.
struct NetworkConditions: Sendable {
    /// What ZeroMQ promises on one connection is order without loss; the stronger faults are for the state machines alone.
    enum Manner: CaseIterable {
        /// Letters of one connection keep their order, and get lost only in partitions and with processes.
        case orderly
        /// In order, but some get lost.
        case lossy
        /// Lost, doubled, overtaken, and old ones repeated long afterwards.
        case wild
    }

    var shortest: Duration
    var longest: Duration
    var loss = 0.0
    var doubling = 0.0
    var overtaking = 0.0
    /// Of a delay twenty times as long as usual.
    var hiccups = 0.0
    /// Letters to a coordinator that is down wait for its restart, as they do in ZeroMQ's queues.
    var keepsForRestart = true

    static func calm(failureTimeout: Duration) -> NetworkConditions {
        NetworkConditions(shortest: failureTimeout / 2000, longest: failureTimeout / 200)
    }

    init(shortest: Duration, longest: Duration) {
        self.shortest = shortest
        self.longest = longest
    }

    init(_ manner: Manner, failureTimeout: Duration, _ dice: inout Dice) {
        shortest = failureTimeout / 2000
        longest = failureTimeout / dice.pick([8, 20, 100, 500])
        hiccups = dice.pick([0, 0.01, 0.05])
        keepsForRestart = dice.chance(0.5)
        if manner != .orderly { loss = dice.pick([0.002, 0.01, 0.05, 0.2]) }
        if manner == .wild {
            doubling = dice.pick([0, 0.02, 0.2])
            overtaking = dice.pick([0.01, 0.1, 0.5])
        }
    }
}
