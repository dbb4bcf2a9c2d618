import Common
import Testing

@Suite("Turns of heads")
struct FoldTurnsTests {
    /// Against a walk through every step.
    @Test(arguments: 1...5) func versionsDifferInTheHeadsThatWereTrained(heads: Int) {
        let turns = FoldTurns(heads: heads)
        #expect(turns.trained(after: nil, upTo: WeightsVersion(3)) == Array(0..<heads))
        for earlier in 0..<12 {
            for version in earlier..<14 {
                let trained = Set((earlier..<version).map { turns.head(of: StepIndex($0)) }).sorted()
                #expect(
                    turns.trained(after: WeightsVersion(earlier), upTo: WeightsVersion(version)) == trained)
            }
        }
    }

    /// A head that no later step of the round trains is judged as it is.
    @Test(arguments: 1...5, 1...7) func theLastStepsOfARoundEndIt(heads: Int, stepsPerRound: Int) {
        let turns = FoldTurns(heads: heads)
        for step in 0..<3 * stepsPerRound {
            let rest = step + 1..<(step / stepsPerRound + 1) * stepsPerRound
            let isLast = !rest.contains { turns.head(of: StepIndex($0)) == turns.head(of: StepIndex(step)) }
            #expect(turns.endsRound(StepIndex(step), stepsPerRound: stepsPerRound) == isLast)
        }
    }
}
