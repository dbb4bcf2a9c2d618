/// The logits of a head for some rows, read class by class, so that they need not lie in memory all at once: at 8142
/// classes and 24,426 rows they are 800 MB.
public protocol LogitColumns: Sendable {
    var rows: Int { get }
    var classes: Int { get }

    /// Writes the logits of some classes for all rows: [classes.count, rows], one class after another.
    func read(classes: Range<Int>, into logits: UnsafeMutablePointer<Float>) throws

    /// Writes the logits of all classes for one row: [K].
    func read(row: Int, into logits: UnsafeMutablePointer<Float>) throws
}

/// Logits that lie in memory, [rows, K].
extension Matrix: LogitColumns where Scalar == Float {
    public var classes: Int { columns }

    public func read(classes: Range<Int>, into logits: UnsafeMutablePointer<Float>) {
        values.withUnsafeBufferPointer { values in
            for row in 0..<rows {
                for (index, k) in classes.enumerated() { logits[index * rows + row] = values[row * columns + k] }
            }
        }
    }

    public func read(row: Int, into logits: UnsafeMutablePointer<Float>) {
        for (k, value) in self[row: row].enumerated() { logits[k] = value }
    }
}
