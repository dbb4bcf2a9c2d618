import Coordination

/// Every link between the coordinator and the worker processes, and between those: what becomes of a letter, and when it
/// arrives.
///
/// Control and bulk are links of their own, so that a gradient and a heartbeat can overtake each other. On one link, letters
/// keep their order unless the conditions say otherwise.
struct Network {
    /// What becomes of one letter.
    enum Fate: Equatable {
        case arrives(Instant)
        case arrivesTwice(Instant, Instant)
        case overtaken(Instant)
        case lost
        /// The link is cut.
        case cut
        /// The link is cut, and the letter waits for that to end.
        case held
    }

    private struct Link {
        var cuts = 0
        var holds = false
        var held: [ClusterEvent] = []
        var clogs = 0
        /// On top of the usual delay, while clogged.
        var clog = Duration.zero
        var lastArrival = Instant.origin
    }

    var conditions: NetworkConditions
    /// Those between coordinator and workers: four a process.
    private var links: [Link] = []
    /// Those between workers, made when they are first used.
    private var peerLinks: [LinkID: Link] = [:]
    private var dice: Dice

    init(_ conditions: NetworkConditions, dice: Dice) {
        self.conditions = conditions
        self.dice = dice
    }

    private subscript(id: LinkID) -> Link {
        get {
            switch id {
            case .coordinator(let process, let channel, let direction):
                links[Self.index(process, channel, direction)]
            case .peer: peerLinks[id] ?? Link()
            }
        }
        _modify {
            switch id {
            case .coordinator(let process, let channel, let direction):
                yield &links[Self.index(process, channel, direction)]
            case .peer: yield &peerLinks[id, default: Link()]
            }
        }
    }

    private static func index(_ process: ProcessID, _ channel: Channel, _ direction: Direction) -> Int {
        process.index * 4 + channel.rawValue * 2 + direction.rawValue
    }

    /// When the last letter arrives that is on its way now, as far as its link keeps the order.
    var latestArrival: Instant {
        max(links.map(\.lastArrival).max() ?? .origin, peerLinks.values.map(\.lastArrival).max() ?? .origin)
    }

    mutating func addLinks() {
        for _ in 0..<4 { links.append(Link()) }
    }

    /// Decides what happens to a letter that is sent now; a held one is kept here.
    mutating func send(_ letter: ClusterEvent, over id: LinkID, at now: Instant) -> Fate {
        if self[id].cuts > 0 {
            guard self[id].holds else { return .cut }
            self[id].held.append(letter)
            return .held
        }
        if dice.chance(conditions.loss) { return .lost }
        let arrival = self.arrival(over: id, at: now)
        if dice.chance(conditions.overtaking) {
            return .overtaken(arrival + dice.duration(.zero, conditions.longest * 5))
        }
        let inOrder = max(arrival, self[id].lastArrival)
        self[id].lastArrival = inOrder
        if dice.chance(conditions.doubling) {
            return .arrivesTwice(inOrder, inOrder + dice.duration(.zero, conditions.longest * 20))
        }
        return .arrives(inOrder)
    }

    private mutating func arrival(over id: LinkID, at now: Instant) -> Instant {
        var delay = dice.duration(conditions.shortest, conditions.longest) + self[id].clog
        if id.isBulk { delay = delay * 2 }
        if dice.chance(conditions.hiccups) { delay = delay * 20 }
        return now + delay
    }

    /// A new connection to the coordinator: nothing that an earlier one carries holds it up, and what waited to be sent is
    /// forgotten. The links to other workers stay.
    mutating func reconnect(_ process: ProcessID) {
        for id in LinkID.all(of: process) {
            self[id].lastArrival = .origin
            if id.isFrom(process) { self[id].held = [] }
        }
    }

    mutating func cut(_ ids: [LinkID], holding: Bool) {
        for id in ids {
            if self[id].cuts == 0 { self[id].holds = holding }
            self[id].cuts += 1
        }
    }

    /// - Returns: the letters that waited, which are to be sent again in this order.
    mutating func mend(_ ids: [LinkID]) -> [(letter: ClusterEvent, id: LinkID)] {
        var released: [(ClusterEvent, LinkID)] = []
        for id in ids where self[id].cuts > 0 {
            self[id].cuts -= 1
            guard self[id].cuts == 0 else { continue }
            released += self[id].held.map { ($0, id) }
            self[id].held = []
        }
        return released
    }

    mutating func clog(_ ids: [LinkID], delay: Duration) {
        for id in ids {
            self[id].clogs += 1
            self[id].clog = max(self[id].clog, delay)
        }
    }

    mutating func unclog(_ ids: [LinkID]) {
        for id in ids {
            self[id].clogs -= 1
            if self[id].clogs == 0 { self[id].clog = .zero }
        }
    }
}
