import Foundation
import SelMix

/// report.html: the report for eyes, one self-contained page.
///
/// The page is a file of its own (Pages/report.html) that draws everything from one JSON object; this makes the object.
public enum ReportPage {
    /// A K x K matrix to draw. Classes stand in the order of decreasing training frequency, and neighbours share a bin
    /// where there are more of them than a screen can show.
    struct HeatMap: Encodable {
        var id: String
        var title: String
        var rowLabel: String
        var columnLabel: String
        /// sequential or diverging.
        var scale: String
        var unit: String
        /// First and last position of each bin.
        var bins: [[Int]]
        /// The class at each position, [K].
        var classes: [Int]
        /// [bins, bins]: means over the bins.
        var values: [Float]
    }

    public struct TopPair: Sendable, Codable {
        public var label: Int
        public var with: Int
        public var probability: Float
        public var gain: Float
    }

    private struct Content: Encodable {
        var report: RunReport
        var heatmaps: [HeatMap]
        var topPairs: [TopPair]
    }

    static let largestSide = 128

    /// - Returns: the page's text.
    static func render(_ report: RunReport, _ result: RunResult) throws -> String {
        let order = report.trainCounts.indices.sorted {
            (report.trainCounts[$1], $0) < (report.trainCounts[$0], $1)
        }
        var maps: [HeatMap] = []
        for (id, title, counts) in [
            ("confusion-before", "Confusion before", result.countsBefore),
            ("confusion-after", "Confusion after", result.countsAfter),
        ] {
            guard let counts else { continue }
            maps.append(
                HeatMap(
                    id: id, title: "\(title) (validation)", rowLabel: "true class", columnLabel: "predicted class",
                    scale: "sequential", unit: "fraction of the row", matrix: rowFractions(counts), order: order))
        }
        var pairs: [TopPair] = []
        if let selection = result.selection {
            maps.append(
                HeatMap(
                    id: "gain", title: "Estimated gain of each pair", rowLabel: "label class",
                    columnLabel: "mixed-in class", scale: "diverging", unit: "gain", matrix: selection.gain,
                    order: order))
            maps.append(
                HeatMap(
                    id: "distribution", title: "Sampling distribution", rowLabel: "label class",
                    columnLabel: "mixed-in class", scale: "sequential", unit: "probability",
                    matrix: selection.distribution.probabilities, order: order))
            pairs = topPairs(selection, count: 12)
        }
        return try Page.filled(
            PackageResources.report_html, with: Content(report: report, heatmaps: maps, topPairs: pairs))
    }

    private static func rowFractions(_ counts: ConfusionCounts) -> Matrix<Float> {
        var matrix = Matrix<Float>(rows: counts.classes, columns: counts.classes, repeating: 0)
        let totals = counts.rowTotals
        for (label, predicted, count) in counts.sparse {
            matrix[label, predicted] = Float(count) / Float(totals[label])
        }
        return matrix
    }

    static func topPairs(_ selection: TrainingEngine.RoundSelection, count: Int) -> [TopPair] {
        let probabilities = selection.distribution.probabilities
        let classes = probabilities.rows
        // A partial selection: the best `count` of K^2 entries, kept sorted.
        var best: [Int] = []
        for index in probabilities.values.indices {
            let value = probabilities.values[index]
            if best.count == count, value <= probabilities.values[best[count - 1]] { continue }
            let place = best.firstIndex { probabilities.values[$0] < value } ?? best.count
            best.insert(index, at: place)
            if best.count > count { best.removeLast() }
        }
        return best.map {
            TopPair(
                label: $0 / classes, with: $0 % classes, probability: probabilities.values[$0],
                gain: selection.gain.values[$0])
        }
    }
}

extension ReportPage.HeatMap {
    /// - Parameter order: the class at each position.
    init(
        id: String, title: String, rowLabel: String, columnLabel: String, scale: String, unit: String,
        matrix: Matrix<Float>, order: [Int]
    ) {
        let side = min(order.count, ReportPage.largestSide)
        let bins = (0..<side).map { [$0 * order.count / side, ($0 + 1) * order.count / side - 1] }
        var values: [Float] = []
        for row in bins {
            for column in bins {
                var sum = 0.0
                for r in row[0]...row[1] {
                    for c in column[0]...column[1] { sum += Double(matrix[order[r], order[c]]) }
                }
                let cells = (row[1] - row[0] + 1) * (column[1] - column[0] + 1)
                values.append(Float(sum / Double(cells)))
            }
        }
        self.init(
            id: id, title: title, rowLabel: rowLabel, columnLabel: columnLabel, scale: scale, unit: unit, bins: bins,
            classes: order, values: values)
    }
}
