import Common
import Testing

@Suite struct SuggestionTests {
    let known = ["g-mean", "h-mean", "min-recall", "mean-recall", "learningRate"]

    @Test func findsTheNearestName() {
        #expect(Suggestion.nearest(to: "min-recal", among: known) == "min-recall")
        #expect(Suggestion.nearest(to: "learning_rate", among: known) == "learningRate")
        #expect(Suggestion.nearest(to: "gmean", among: known) == "g-mean")
    }

    @Test func suggestsNothingFarFetched() {
        #expect(Suggestion.nearest(to: "accuracy", among: known) == nil)
        #expect(Suggestion.nearest(to: "x", among: []) == nil)
    }
}
