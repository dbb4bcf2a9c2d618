/// Which named tensors a model's parameters are, and where each lies in one flat float32 buffer.
///
/// Weights, gradients and optimiser state share a layout, so that adding, hashing, sending and optimising are loops over
/// one buffer whatever the model is. Each tensor begins at a multiple of 64 bytes; the padding stays zero.
public struct ParameterLayout: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        /// Whether weight decay applies: not to biases.
        public let decays: Bool
        /// In floats.
        public let offset: Int
        public var count: Int { shape.reduce(1, *) }
    }

    public private(set) var entries: [Entry] = []
    /// Floats of the whole buffer.
    public private(set) var count = 0

    public init(_ tensors: [(name: String, shape: [Int], decays: Bool)]) {
        for tensor in tensors {
            let entry = Entry(name: tensor.name, shape: tensor.shape, decays: tensor.decays, offset: count)
            entries.append(entry)
            count += (entry.count + 15) / 16 * 16
        }
    }

    /// A linear head: `weight` [K, d] and `bias` [K].
    public static func linearHead(classes: Int, dimension: Int) -> ParameterLayout {
        ParameterLayout([("weight", [classes, dimension], true), ("bias", [classes], false)])
    }

    public subscript(name: String) -> Entry {
        guard let entry = entries.first(where: { $0.name == name }) else {
            preconditionFailure("no parameter `\(name)` among \(entries.map(\.name))")
        }
        return entry
    }
}
