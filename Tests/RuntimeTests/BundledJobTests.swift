import Foundation
import Testing

@testable import Runtime

/// Every job file that the repository carries opens as it is, and its head is what the data set's README says.
@Suite struct BundledJobTests {
    static let cluster = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("cluster")

    @Test(arguments: ["digits-lt", "mnist-lt"], ["mean-recall", "min-recall", "g-mean", "h-mean"])
    func aJobOpensAndItsObjectiveIsTheFilesName(dataSet: String, objective: String) throws {
        let path = Self.cluster.appendingPathComponent("\(dataSet)/\(objective).yaml").path
        let run = try PreparedRun(JobFile.load(path))
        #expect(run.job.objective.name == objective)
        #expect(run.classes == 10 && run.dimension == 64)
        #expect(run.test != nil)
    }

    @Test func theSecondSetHasMoreTrainingThanValidationSamples() throws {
        let path = Self.cluster.appendingPathComponent("mnist-lt/h-mean.yaml").path
        let run = try PreparedRun(JobFile.load(path))
        #expect(run.trainCounts == [300, 190, 121, 77, 49, 31, 20, 12, 8, 5])
        #expect(run.validation.classCounts == Array(repeating: 30, count: 10))
        let test = try #require(run.test)
        let before = run.metrics(try run.evaluate(run.head, on: test))
        #expect(abs(before.meanRecall - 0.823) < 0.005)
        #expect(abs(before.minRecall - 0.539) < 0.01)
    }
}
