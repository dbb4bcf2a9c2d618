/// A matrix of which few entries are stored, row by row: what a confusion matrix and an objective's gradient are, as a
/// validation split has far fewer samples than there are pairs of classes.
public struct SparseMatrix: Sendable, Equatable {
    public let rows: Int
    public let columns: Int
    /// Row r is `values[rowStarts[r]..<rowStarts[r + 1]]`, [rows + 1].
    let rowStarts: [Int]
    /// The column of each value, ascending within a row.
    let columnIndices: [Int32]
    public var values: [Double]

    /// - Parameter entries: by row, then column, each place at most once.
    init(rows: Int, columns: Int, entries: some Sequence<(row: Int, column: Int, value: Double)>) {
        var rowStarts = [0]
        var columnIndices: [Int32] = []
        var values: [Double] = []
        var last = (row: 0, column: -1)
        for (row, column, value) in entries {
            precondition(
                (last.row, last.column) < (row, column) && row < rows && column < columns,
                "entry (\(row), \(column)) after \(last) in a [\(rows), \(columns)] matrix")
            last = (row, column)
            while rowStarts.count <= row { rowStarts.append(values.count) }
            columnIndices.append(Int32(column))
            values.append(value)
        }
        while rowStarts.count <= rows { rowStarts.append(values.count) }
        (self.rows, self.columns) = (rows, columns)
        (self.rowStarts, self.columnIndices, self.values) = (rowStarts, columnIndices, values)
    }

    /// The entries of `dense` that are not 0.
    public init(_ dense: Matrix<Double>) {
        self.init(
            rows: dense.rows, columns: dense.columns,
            entries: dense.values.indices.lazy.filter { dense.values[$0] != 0 }.map {
                ($0 / dense.columns, $0 % dense.columns, dense.values[$0])
            })
    }

    /// Where the stored values of a row are in `values`.
    func places(row: Int) -> Range<Int> { rowStarts[row]..<rowStarts[row + 1] }

    /// 0 where nothing is stored.
    public subscript(row: Int, column: Int) -> Double {
        let place = columnIndices[places(row: row)].firstIndex(of: Int32(column))
        return place.map { values[$0] } ?? 0
    }

    public var dense: Matrix<Double> {
        var dense = Matrix<Double>(rows: rows, columns: columns, repeating: 0)
        for row in 0..<rows {
            for place in places(row: row) { dense[row, Int(columnIndices[place])] = values[place] }
        }
        return dense
    }
}
