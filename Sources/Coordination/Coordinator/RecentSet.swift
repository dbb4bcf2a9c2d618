/// The last elements that were put in, so that what anybody can add to does not grow without end.
struct RecentSet<Element: Hashable & Sendable>: Sendable {
    private let capacity: Int
    private var elements: Set<Element> = []
    /// A ring; the next place is where the oldest one is.
    private var order: [Element] = []
    private var next = 0

    init(capacity: Int) { self.capacity = capacity }

    func contains(_ element: Element) -> Bool { elements.contains(element) }

    mutating func insert(_ element: Element) {
        guard elements.insert(element).inserted else { return }
        guard order.count == capacity else {
            order.append(element)
            return
        }
        elements.remove(order[next])
        order[next] = element
        next = (next + 1) % capacity
    }
}
