import Common
import Messaging
import Training

// Equal rows on the wire: a worker deals the folds itself, and needs to hear only which rows are equal.

extension RowTwins {
    private enum Name {
        static let withinValidation = "validationTwins"
        static let withTraining = "trainTwins"
    }

    /// The most pairs that go with a welcome, which is a small message.
    static let mostPairs = 50_000

    /// Nothing where no rows are equal.
    var frames: [TensorFrame] {
        [(Name.withinValidation, withinValidation), (Name.withTraining, withTraining)].filter { !$1.isEmpty }.map {
            name, pairs in
            TensorFrame(
                name: name, shape: [pairs.count, 2], int32: pairs.flatMap { [Int32($0.row), Int32($0.other)] })
        }
    }

    /// - Throws: when the frames are not pairs of row numbers.
    init(_ frames: [TensorFrame]) throws {
        func pairs(_ name: String) throws -> [Pair] {
            guard let frame = frames[named: name] else { return [] }
            let values = frame.type == .int32 ? frame.values(as: Int32.self, zero: 0) : []
            guard frame.shape == [values.count / 2, 2], values.allSatisfy({ $0 >= 0 }) else {
                throw SelMixError(.cluster, "the coordinator's \(name) are no pairs of rows")
            }
            return stride(from: 0, to: values.count, by: 2).map {
                Pair(row: Int(values[$0]), other: Int(values[$0 + 1]))
            }
        }
        self.init(withinValidation: try pairs(Name.withinValidation), withTraining: try pairs(Name.withTraining))
    }

    /// - Throws: when a pair names a row that is not there.
    func check(validationRows: Int, trainRows: Int) throws {
        let isRight =
            withinValidation.allSatisfy { (0..<validationRows).contains($0.row) && (0..<$0.row).contains($0.other) }
            && withTraining.allSatisfy {
                (0..<validationRows).contains($0.row) && (0..<trainRows).contains($0.other)
            }
        guard isRight else {
            throw SelMixError(
                .cluster, "equal rows of the coordinator's data are not among the rows that are here",
                hint: "this worker's files are not the coordinator's")
        }
    }
}
