import Coordination

/// What is going to happen, in the order of virtual time.
///
/// Events of the same instant come in the order in which they were scheduled, except that alarms come after everything
/// else: the real shells handle whatever has arrived before they look at the clock.
struct EventQueue<Event> {
    enum Lane: UInt8 {
        case arrival
        case alarm
    }

    private struct Key {
        let time: Instant
        let lane: Lane
        let order: UInt64
        let slot: Int

        func precedes(_ other: Key) -> Bool {
            if time != other.time { return time < other.time }
            if lane != other.lane { return lane == .arrival }
            return order < other.order
        }
    }

    /// A binary heap. It moves small keys; the events lie still.
    private var heap: [Key] = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var scheduled: UInt64 = 0

    var count: Int { heap.count }

    mutating func schedule(_ event: Event, at time: Instant, lane: Lane = .arrival) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        heap.append(Key(time: time, lane: lane, order: scheduled, slot: slot))
        scheduled += 1
        rise(from: heap.count - 1)
    }

    mutating func next() -> (event: Event, time: Instant, lane: Lane)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        let event = events[first.slot]!
        events[first.slot] = nil
        free.append(first.slot)
        return (event, first.time, first.lane)
    }

    private mutating func rise(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].precedes(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func sink() {
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].precedes(heap[least]) {
                least = child
            }
            guard least != index else { return }
            heap.swapAt(index, least)
            index = least
        }
    }
}
