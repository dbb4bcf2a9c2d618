import Common
import Foundation

/// Which block of which K x K matrix somebody wants to see.
struct MatrixQuery: Sendable, Hashable {
    enum Name: String, Sendable, CaseIterable {
        case gain, distribution, confusion, confusionBefore
    }

    enum Statistic: String, Sendable, CaseIterable {
        case mean, max, min
    }

    var matrix: Name
    var rows: Range<Int>
    var columns: Range<Int>
    var bins: Int
    var statistic: Statistic

    /// - Returns: nil where no matrix is asked for.
    /// - Throws: what is wrong with the query.
    init?(_ query: [String: String], classes: Int) throws {
        guard let name = query["matrix"] else { return nil }
        guard let matrix = Name(rawValue: name) else {
            throw Self.error("there is no matrix `\(name)`", Name.allCases.map(\.rawValue))
        }
        self.matrix = matrix
        rows = try Self.range(query["rows"], "rows", classes)
        columns = try Self.range(query["columns"], "columns", classes)
        let text = query["bins"] ?? "64"
        guard let bins = Int(text), (1...256).contains(bins) else {
            throw SelMixError(.usage, "bins is `\(text)`", hint: "it is a number from 1 to 256")
        }
        self.bins = bins
        let wanted = query["statistic"] ?? "mean"
        guard let statistic = Statistic(rawValue: wanted) else {
            throw Self.error("there is no statistic `\(wanted)`", Statistic.allCases.map(\.rawValue))
        }
        self.statistic = statistic
    }

    /// `a..b`, half-open.
    private static func range(_ text: String?, _ name: String, _ classes: Int) throws -> Range<Int> {
        guard let text else { return 0..<classes }
        let bounds = text.components(separatedBy: "..").map { Int($0) }
        guard bounds.count == 2, let lower = bounds[0], let upper = bounds[1], lower >= 0, lower < upper,
            upper <= classes
        else {
            throw SelMixError(.usage, "\(name) is `\(text)`", hint: "it is a range a..b with 0 <= a < b <= \(classes)")
        }
        return lower..<upper
    }

    private static func error(_ message: String, _ known: [String]) -> SelMixError {
        SelMixError(.usage, message, hint: "known are \(known.joined(separator: ", "))")
    }

    /// First and last position of each bin that covers a range.
    static func bins(_ range: Range<Int>, atMost count: Int) -> [[Int]] {
        let side = min(range.count, count)
        return (0..<side).map {
            [
                range.lowerBound + $0 * range.count / side,
                range.lowerBound + ($0 + 1) * range.count / side - 1,
            ]
        }
    }
}
