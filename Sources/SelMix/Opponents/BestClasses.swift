/// The few best classes of each row under biases that change one class at a time.
///
/// For a sweep over one class's bias it is enough to know, of each row, the best of the other classes. Two entries would do
/// if biases only rose; each that falls may push an entry out. So a row keeps ``width`` of them, and with them a bound:
/// no class outside the list is worth more than that. A row is read whole again only when fewer than two are left.
struct BestClasses {
    static let width = 8

    private let width = Self.width
    /// [rows, width], the best first.
    private var classes: [Int32]
    private var values: [Double]
    private var counts: [Int]
    /// What no class outside a row's list exceeds.
    private var ceilings: [Double]

    init(rows: Int) {
        classes = [Int32](repeating: 0, count: rows * width)
        values = [Double](repeating: 0, count: rows * width)
        counts = [Int](repeating: 0, count: rows)
        ceilings = [Double](repeating: -.infinity, count: rows)
    }

    func best(_ row: Int) -> Int { Int(classes[row * width]) }

    /// The best class of a row other than `k`, and what it is worth.
    func best(_ row: Int, besides k: Int) -> (class: Int, value: Double) {
        let first = row * width
        let place = Int(classes[first]) == k ? first + 1 : first
        return (Int(classes[place]), values[place])
    }

    /// Class `k` is worth `value` for this row from now on.
    ///
    /// - Returns: false when too little is known of the row to go on; it must be read again.
    mutating func set(_ row: Int, class k: Int, to value: Double) -> Bool {
        let first = row * width
        if let place = (first..<first + counts[row]).first(where: { Int(classes[$0]) == k }) {
            remove(row, at: place)
        }
        if value >= ceilings[row] { insert(row, class: k, value) }
        return counts[row] >= 2
    }

    /// Reads a row anew.
    ///
    /// - Parameter worth: of every class, [K].
    mutating func fill(_ row: Int, _ worth: [Double]) {
        counts[row] = 0
        ceilings[row] = -.infinity
        for (k, value) in worth.enumerated() where counts[row] < width || value > ceilings[row] {
            insert(row, class: k, value)
        }
    }

    private mutating func remove(_ row: Int, at place: Int) {
        let end = row * width + counts[row]
        for later in place + 1..<max(end, place + 1) {
            (classes[later - 1], values[later - 1]) = (classes[later], values[later])
        }
        counts[row] -= 1
    }

    /// Equal values stand in the order of their classes, as an argmax takes them.
    mutating func insert(_ row: Int, class k: Int, _ value: Double) {
        let first = row * width
        var place = first + counts[row]
        while place > first, values[place - 1] < value || (values[place - 1] == value && Int(classes[place - 1]) > k) {
            place -= 1
        }
        if counts[row] == width {
            guard place < first + width else {
                ceilings[row] = max(ceilings[row], value)
                return
            }
            ceilings[row] = max(ceilings[row], values[first + width - 1])
            counts[row] -= 1
        }
        for later in stride(from: first + counts[row], to: place, by: -1) {
            (classes[later], values[later]) = (classes[later - 1], values[later - 1])
        }
        (classes[place], values[place]) = (Int32(k), value)
        counts[row] += 1
    }
}
