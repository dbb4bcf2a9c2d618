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
        /// Whether it stays as it is, zeros: the bias of a head that was brought without one. It has its place, so that all
        /// that adds, sends and evaluates is the same, but no step moves it and no file of a head holds it.
        public let isFixed: Bool
        /// In floats.
        public let offset: Int
        public var count: Int { shape.reduce(1, *) }
    }

    /// Some rows of a large tensor: what is computed, sent, summed and optimised at a time, so that it stays in the cache
    /// and these four overlap. Follows from the layout alone.
    public struct Slice: Sendable, Equatable {
        /// Index in ``entries``.
        public let entry: Int
        public let rows: Range<Int>
        /// Into the flat buffer, in floats.
        public let offset: Int
        public let count: Int
    }

    /// What a slice has at most, in float32, where a block of rows is not more.
    static let sliceBytes = 1 << 20
    /// Rows of a slice are a multiple of this where they are more: matrix products run in blocks of as many.
    static let rowBlock = 64
    /// Pieces of a slice, where it has as many rows.
    static let piecesPerSlice = 8

    public private(set) var entries: [Entry] = []
    /// Floats of the whole buffer.
    public private(set) var count = 0
    /// Of the tensors that are larger than a slice, in order.
    public private(set) var slices: [Slice] = []
    /// The slices cut finer, in the same order: what is digested by itself, and summed by one worker where workers sum. So
    /// there are enough of them for many workers.
    public private(set) var pieces: [Slice] = []
    /// Indices in ``pieces``, by slice.
    public private(set) var piecesOfSlice: [Range<Int>] = []
    /// Indices in ``entries`` of the tensors that are not sliced.
    public private(set) var whole: [Int] = []

    /// - Parameter fixed: the names of the tensors that stay as they are.
    public init(_ tensors: [(name: String, shape: [Int], decays: Bool)], fixed: Set<String> = []) {
        for tensor in tensors {
            let entry = Entry(
                name: tensor.name, shape: tensor.shape, decays: tensor.decays, isFixed: fixed.contains(tensor.name),
                offset: count)
            entries.append(entry)
            count += (entry.count + 15) / 16 * 16
            let cut = Self.slices(of: entry, index: entries.count - 1)
            if cut.count > 1 { slices += cut } else { whole.append(entries.count - 1) }
        }
        for slice in slices {
            let cut = Self.pieces(of: slice)
            piecesOfSlice.append(pieces.count..<pieces.count + cut.count)
            pieces += cut
        }
    }

    private static func pieces(of slice: Slice) -> [Slice] {
        let rowCount = slice.count / slice.rows.count
        let rows = (slice.rows.count + piecesPerSlice - 1) / piecesPerSlice
        return stride(from: slice.rows.lowerBound, to: slice.rows.upperBound, by: rows).map { first in
            let range = first..<min(first + rows, slice.rows.upperBound)
            return Slice(
                entry: slice.entry, rows: range, offset: slice.offset + (first - slice.rows.lowerBound) * rowCount,
                count: range.count * rowCount)
        }
    }

    /// As few slices as ``sliceBytes`` allows, all of the same number of rows but the last.
    private static func slices(of entry: Entry, index: Int) -> [Slice] {
        guard entry.count > 0, let total = entry.shape.first else { return [] }
        let number = min(total, (entry.count * 4 + sliceBytes - 1) / sliceBytes)
        let (even, rowCount) = ((total + number - 1) / number, entry.count / total)
        let rows = even < rowBlock ? even : (even + rowBlock - 1) / rowBlock * rowBlock
        return stride(from: 0, to: total, by: rows).map { first in
            let range = first..<min(first + rows, total)
            return Slice(
                entry: index, rows: range, offset: entry.offset + first * rowCount, count: range.count * rowCount)
        }
    }

    /// A linear head: `weight` [K, d] and `bias` [K], which stays zero where the head has none.
    public static func linearHead(classes: Int, dimension: Int, hasBias: Bool = true) -> ParameterLayout {
        ParameterLayout(
            [("weight", [classes, dimension], true), ("bias", [classes], false)], fixed: hasBias ? [] : ["bias"])
    }

    public subscript(name: String) -> Entry {
        guard let entry = entries.first(where: { $0.name == name }) else {
            preconditionFailure("no parameter `\(name)` among \(entries.map(\.name))")
        }
        return entry
    }
}
