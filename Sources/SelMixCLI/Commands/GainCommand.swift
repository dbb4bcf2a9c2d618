import ArgumentParser
import Common
import Foundation
import Runtime
import SelMix

struct GainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gain",
        abstract: "Objective gradient, gain and distribution from statistics alone.",
        discussion: """
            Reads one JSON object: classes, featureDimension, mixRatioMean, classMeans [K, d], weight [K, d], bias [K], \
            confusionCounts [K, K] and objectives, each with `objective`, `distributionTemperature` and its parameters. \
            Classes are taken to be in the order of decreasing training frequency.
            """)

    @Argument(help: "The statistics (JSON).", completion: .file(extensions: ["json"]))
    var statistics: String
    @Option(help: "paper, or reference for what the published code computes.")
    var formula = GainFormula.paper
    @Option(help: "Where to write the result; by default to standard output.", completion: .file())
    var output: String?

    func run() throws {
        let results = try GainFile.load(statistics).evaluate(formula: formula)
        let text = try JSONText.of(results)
        if let output {
            do {
                try text.write(toFile: output, atomically: true, encoding: .utf8)
            } catch {
                throw SelMixError(.failed, "\(output) cannot be written", cause: "\(error.localizedDescription)")
            }
        } else {
            print(text)
        }
    }
}

extension GainFormula: ExpressibleByArgument {}
