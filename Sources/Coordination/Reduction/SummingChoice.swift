import Common

/// Whether steps go faster when a group sums or when the coordinator does, by the time that steps have taken.
///
/// Which is faster depends on links that nobody describes: with workers of a few megabytes a second between them, everything
/// goes by way of the slowest of them. So now and then the other way is tried for a few steps. As long as a trial changes
/// nothing the next is twice as far off, so that trials cost next to nothing in the end.
struct SummingChoice: Sendable {
    enum Way: Sendable {
        case group
        case coordinator

        var other: Way { self == .group ? .coordinator : .group }
    }

    private struct Trial {
        let way: Way
        var times: [Duration] = []
    }

    /// Steps that are looked at, and the fewest that say something.
    private static let window = 8
    /// Steps of a trial; the first is not counted, as its weights still come the other way.
    private static let trialSteps = 4
    /// A trial that is that many times slower is broken off.
    private static let hopeless = 4
    private static let shortestGap = 64
    private static let longestGap = 4096
    private static let mostDoublings = 10

    private var way = Way.group
    private var times: [Duration] = []
    private var trial: Trial?
    private var gap = Self.shortestGap
    /// Steps and time since the last trial.
    private var steps = 0
    private var spent = Duration.zero
    private let patience: Duration
    /// Trials in a row that changed nothing.
    private var idleTrials = 0
    /// What the last trial found.
    private(set) var reason = ""

    /// - Parameter patience: steps that have taken longer than that altogether are reason enough for a trial.
    init(patience: Duration) { self.patience = patience }

    /// How the next step is summed.
    var current: Way { trial?.way ?? way }
    var isTrying: Bool { trial != nil }

    /// A step has been taken.
    mutating func note(_ time: Duration, by used: Way) {
        guard used == current else {
            // There can be no group at present; what could not be tried is tried later.
            if trial != nil { end(changing: false) }
            return
        }
        if trial != nil {
            trial!.times.append(time)
            let counted = trial!.times.dropFirst()
            let isHopeless = counted.contains { $0 > median(times) * Self.hopeless }
            guard trial!.times.count >= Self.trialSteps || isHopeless else { return }
            // A fifth faster at least, or else it would go to and fro.
            end(changing: !isHopeless && median(Array(counted)) * 5 < median(times) * 4)
            return
        }
        times = (times + [time]).suffix(Self.window)
        steps += 1
        spent += time
        let isDue = steps >= gap || spent >= patience * (1 << min(idleTrials, Self.mostDoublings))
        if isDue, steps >= Self.window { trial = Trial(way: way.other) }
    }

    private mutating func end(changing: Bool) {
        guard let ended = trial else { return }
        trial = nil
        if changing {
            let found = Array(ended.times.dropFirst())
            reason = "steps took \(median(times).told) that way, and \(median(found).told) this way"
            (way, times, gap, idleTrials) = (ended.way, found, Self.shortestGap, 0)
        } else {
            gap = min(gap * 2, Self.longestGap)
            idleTrials += 1
        }
        (steps, spent) = (0, .zero)
    }

    private func median(_ values: [Duration]) -> Duration {
        values.isEmpty ? .zero : values.sorted()[values.count / 2]
    }
}
