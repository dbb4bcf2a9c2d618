import Foundation
import Testing

/// `selmix gain` against the outputs of the authors' published code and the float64 sum of the paper's formula.
@Suite struct GainCommandTests {
    static let golden = Program.package.appendingPathComponent("Tests/SelMixTests/Golden")

    @Test(arguments: ["selmix-k10", "selmix-k20", "selmix-k40-head-tail"], ["paper", "reference"])
    func reproducesTheGoldenFiles(name: String, formula: String) throws {
        let file = Self.golden.appendingPathComponent("\(name).json")
        let golden = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let expected = try #require(golden["objectives"] as? [[String: Any]])
        let run = try Program.run("gain", file.path, "--formula", formula)
        try #require(run.status == 0, "\(run.errors)")
        let results = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [[String: Any]])
        #expect(results.count == expected.count)
        for (result, entry) in zip(results, expected) {
            let objective = try #require(entry["objective"] as? String)
            #expect(result["objective"] as? String == objective)
            let gain = try matrix(entry[formula == "paper" ? "gainPaper" : "gainReference"])
            let scale = max(1, gain.map(abs).max() ?? 0)
            #expect(try difference(result["gain"], gain) < 2e-6 * scale, "gain of \(objective)")
            #expect(
                try difference(result["unconstrainedGradient"], matrix(entry["unconstrainedGradient"])) < 1e-12,
                "gradient of \(objective)")
            if formula == "reference" {
                #expect(
                    try difference(result["distribution"], matrix(entry["distributionReference"])) < 2e-6 * scale,
                    "distribution of \(objective)")
            }
            if let multipliers = entry["multipliersAfter"] as? [Double] {
                let found = try #require(result["multipliersAfter"] as? [Double])
                #expect(zip(found, multipliers).allSatisfy { abs($0 - $1) <= 1e-10 * max(1, abs($1)) })
            }
        }
    }

    @Test func wrongStatisticsAreNamed() throws {
        let folder = try TemporaryFolder()
        func refusal(_ text: String) throws -> Program.Result {
            try text.write(toFile: folder.path("s.json"), atomically: true, encoding: .utf8)
            return try Program.run("gain", folder.path("s.json"))
        }
        #expect(try refusal("{}").errors.contains("`classes` is missing"))
        #expect(try refusal("nonsense").status == 3)
        let shapes = """
            {"classes": 2, "featureDimension": 2, "mixRatioMean": 0.8, "classMeans": [[1, 2]], "weight": [[1, 2], [3, 4]],
             "bias": [0, 0], "confusionCounts": [[1, 0], [0, 1]], "objectives": [{"objective": "g-mean"}]}
            """
        #expect(try refusal(shapes).errors.contains("classMeans is not [2, 2]"))
    }

    private func matrix(_ value: Any?) throws -> [Double] {
        try #require(value as? [[Double]]).flatMap { $0 }
    }

    private func difference(_ value: Any?, _ expected: [Double]) throws -> Double {
        let found = try matrix(value)
        #expect(found.count == expected.count)
        return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
}
