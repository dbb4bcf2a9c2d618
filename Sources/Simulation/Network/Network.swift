import Coordination

/// Every link between the coordinator and the worker processes: what becomes of a letter, and when it arrives.
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
    private var links: [Link] = []
    private var dice: Dice

    init(_ conditions: NetworkConditions, dice: Dice) {
        self.conditions = conditions
        self.dice = dice
    }

    /// When the last letter arrives that is on its way now, as far as its link keeps the order.
    var latestArrival: Instant { links.map(\.lastArrival).max() ?? .origin }

    mutating func addLinks() {
        for _ in 0..<4 { links.append(Link()) }
    }

    /// Decides what happens to a letter that is sent now; a held one is kept here.
    mutating func send(_ letter: ClusterEvent, over id: LinkID, at now: Instant) -> Fate {
        let index = id.index
        if links[index].cuts > 0 {
            guard links[index].holds else { return .cut }
            links[index].held.append(letter)
            return .held
        }
        if dice.chance(conditions.loss) { return .lost }
        let arrival = self.arrival(over: index, channel: id.channel, at: now)
        if dice.chance(conditions.overtaking) {
            return .overtaken(arrival + dice.duration(.zero, conditions.longest * 5))
        }
        let inOrder = max(arrival, links[index].lastArrival)
        links[index].lastArrival = inOrder
        if dice.chance(conditions.doubling) {
            return .arrivesTwice(inOrder, inOrder + dice.duration(.zero, conditions.longest * 20))
        }
        return .arrives(inOrder)
    }

    private mutating func arrival(over index: Int, channel: Channel, at now: Instant) -> Instant {
        var delay = dice.duration(conditions.shortest, conditions.longest) + links[index].clog
        if channel == .bulk { delay = delay * 2 }
        if dice.chance(conditions.hiccups) { delay = delay * 20 }
        return now + delay
    }

    /// A new connection: nothing that an earlier one carries holds it up, and what waited to be sent is forgotten.
    mutating func reconnect(_ process: ProcessID) {
        for id in LinkID.all(of: process) {
            links[id.index].lastArrival = .origin
            if id.direction == .toCoordinator { links[id.index].held = [] }
        }
    }

    mutating func cut(_ ids: [LinkID], holding: Bool) {
        for id in ids {
            if links[id.index].cuts == 0 { links[id.index].holds = holding }
            links[id.index].cuts += 1
        }
    }

    /// - Returns: the letters that waited, which are to be sent again in this order.
    mutating func mend(_ ids: [LinkID]) -> [(letter: ClusterEvent, id: LinkID)] {
        var released: [(ClusterEvent, LinkID)] = []
        for id in ids where links[id.index].cuts > 0 {
            links[id.index].cuts -= 1
            guard links[id.index].cuts == 0 else { continue }
            released += links[id.index].held.map { ($0, id) }
            links[id.index].held = []
        }
        return released
    }

    mutating func clog(_ ids: [LinkID], delay: Duration) {
        for id in ids {
            links[id.index].clogs += 1
            links[id.index].clog = max(links[id.index].clog, delay)
        }
    }

    mutating func unclog(_ ids: [LinkID]) {
        for id in ids {
            links[id.index].clogs -= 1
            if links[id.index].clogs == 0 { links[id.index].clog = .zero }
        }
    }
}
