/// The smallest of K numbers, and how many have it, while single numbers change: O(log K) a change.
struct MinimumTree: Sendable {
    private let leaves: Int
    /// A heap: node i has children 2i and 2i + 1; leaf k is node `leaves` + k.
    private var smallest: [Double]
    private var holders: [Int]

    init(_ values: [Double]) {
        var leaves = 1
        while leaves < values.count { leaves *= 2 }
        self.leaves = leaves
        smallest = [Double](repeating: .infinity, count: 2 * leaves)
        holders = [Int](repeating: 0, count: 2 * leaves)
        for (k, value) in values.enumerated() {
            smallest[leaves + k] = value
            holders[leaves + k] = 1
        }
        for node in stride(from: leaves - 1, to: 0, by: -1) { join(node) }
    }

    var minimum: Double { smallest[1] }
    /// How many of the numbers are the smallest one.
    var count: Int { holders[1] }

    subscript(k: Int) -> Double {
        get { smallest[leaves + k] }
        set {
            var node = leaves + k
            smallest[node] = newValue
            while node > 1 {
                node /= 2
                join(node)
            }
        }
    }

    private mutating func join(_ node: Int) {
        let (left, right) = (smallest[2 * node], smallest[2 * node + 1])
        smallest[node] = min(left, right)
        holders[node] = (left <= right ? holders[2 * node] : 0) + (right <= left ? holders[2 * node + 1] : 0)
    }
}
