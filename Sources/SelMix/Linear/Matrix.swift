/// A dense matrix, row-major: entry (r, c) is `values[r * columns + c]`.
public struct Matrix<Scalar: Sendable>: Sendable {
    public let rows: Int
    public let columns: Int
    public var values: [Scalar]

    public init(rows: Int, columns: Int, values: [Scalar]) {
        precondition(values.count == rows * columns, "\(values.count) values for a [\(rows), \(columns)] matrix")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    public init(rows: Int, columns: Int, repeating value: Scalar) {
        self.init(rows: rows, columns: columns, values: [Scalar](repeating: value, count: rows * columns))
    }

    public subscript(row: Int, column: Int) -> Scalar {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    public subscript(row row: Int) -> ArraySlice<Scalar> { values[row * columns..<(row + 1) * columns] }

    public func map<Other: Sendable>(_ transform: (Scalar) -> Other) -> Matrix<Other> {
        Matrix<Other>(rows: rows, columns: columns, values: values.map(transform))
    }
}

extension Matrix: Equatable where Scalar: Equatable {}
