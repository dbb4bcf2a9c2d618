import SelMix
import Testing

@Suite struct GoldenTests {
    @Test(arguments: GoldenFile.names)
    func multipliersAndGradient(name: String) throws {
        let golden = try GoldenFile.load(name)
        let statistics = ConfusionStatistics(try golden.counts)
        for entry in golden.objectives {
            let objective = try entry.settings.objective(split: golden.split(entry))
            let multipliers = objective.multipliers(after: entry.multipliersBefore ?? [], statistics)
            if let expected = entry.multipliersAfter {
                let worst = zip(multipliers, expected).reduce(0) { max($0, abs($1.0 - $1.1) / max(1, abs($1.1))) }
                #expect(worst < 1e-12, "multipliers of \(entry)")
            }
            let gradient = objective.gradientTerms(statistics, multipliers: multipliers).gradient(statistics).dense
            #expect(gradient.largestDifference(from: entry.unconstrainedGradient) < 1e-14, "gradient of \(entry)")
        }
    }

    @Test(arguments: GoldenFile.names)
    func scalarReference(name: String) throws {
        let golden = try GoldenFile.load(name)
        for entry in golden.objectives {
            let (paper, reference) = (golden.scalarGain(entry, .paper), golden.scalarGain(entry, .reference))
            #expect(paper.largestDifference(from: entry.gainPaper) < 1e-12, "paper gain of \(entry)")
            #expect(reference.largestDifference(from: entry.gainReference) < 1e-6, "reference gain of \(entry)")
        }
    }

    @Test(arguments: GoldenFile.names)
    func products(name: String) throws {
        let golden = try GoldenFile.load(name)
        for entry in golden.objectives {
            let input = golden.input(gradient: SparseMatrix(Matrix(entry.unconstrainedGradient)))
            for (formula, expected) in [(GainFormula.paper, entry.gainPaper), (.reference, entry.gainReference)] {
                let gain = try GainEstimator(formula: formula).gain(input)
                let scale = max(1, expected.joined().reduce(0) { max($0, abs($1)) })
                #expect(gain.largestDifference(from: expected) < 2e-6 * scale, "\(formula) gain of \(entry)")
            }
        }
    }

    @Test(arguments: GoldenFile.names)
    func distribution(name: String) throws {
        let golden = try GoldenFile.load(name)
        for entry in golden.objectives {
            let gain = Matrix(entry.gainReference).map(Float.init)
            let published = PairDistribution.published(
                gain: gain, temperature: entry.distributionTemperature,
                floor: entry.objective == "mean-recall" ? 1e-10 : 1e-8)
            let difference = published.probabilities.largestDifference(from: entry.distributionReference)
            #expect(difference < 1e-6, "distribution of \(entry)")
        }
    }
}
