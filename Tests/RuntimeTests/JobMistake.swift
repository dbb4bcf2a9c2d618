import Common
import Testing

@testable import Runtime

/// One mistake in a job file, and exactly what is to be said about it.
struct JobMistake: CustomTestStringConvertible {
    var text: String
    var message: String
    var hint: String?
    var testDescription: String { text }

    init(_ text: String, _ message: String, _ hint: String? = nil) {
        (self.text, self.message, self.hint) = (text, message, hint)
    }

    /// Expects the error from a whole file, which contains `text`.
    func check(in file: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: SelMixError.self, sourceLocation: sourceLocation) {
            try JobFile.parse(file, path: "job.yaml")
        }
        #expect(error?.code == .invalidInput, sourceLocation: sourceLocation)
        #expect(error?.message == message, sourceLocation: sourceLocation)
        #expect(error?.hint == hint, sourceLocation: sourceLocation)
    }
}
