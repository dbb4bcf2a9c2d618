import Foundation
import Testing

/// The program's own figures: that they are there and are numbers, not how good they are.
@Suite struct BenchTests {
    static func figures(_ arguments: String...) throws -> [String: Any] {
        let result = try Program.run(["bench"] + arguments + ["--json"])
        #expect(result.status == 0, "\(result.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    static func expectPositive(_ names: String..., in figures: [String: Any]) {
        for name in names {
            let value = figures[name] as? Double ?? 0
            #expect(value > 0 && value.isFinite, "\(name) is \(figures[name] ?? "missing")")
        }
    }

    @Test func whatRowsOfAComparisonCost() throws {
        let figures = try Self.figures(
            "baselines", "--classes", "12", "--dimension", "16", "--samples", "200", "--threads", "2")
        let passes = try #require(figures["biasAscentPasses"] as? [String: Int])
        #expect(Set(passes.keys) == ["h-mean", "min-recall"] && passes.values.allSatisfy { $0 >= 1 })
    }

    @Test(arguments: ["1", "3"])
    func gain(threads: String) throws {
        // More classes than one tile has.
        let figures = try Self.figures("gain", "--classes", "600", "--dimension", "16", "--threads", threads)
        Self.expectPositive(
            "seconds", "gflops", "peakGflops", "distributionSeconds", "drawSeconds", "peakMemoryMB", in: figures)
    }

    @Test(arguments: ["1", "4"])
    func step(folds: String) throws {
        let digests = try ["1", "2"].map { workers in
            let figures = try Self.figures(
                "step", "--classes", "10", "--dimension", "16", "--batch", "32", "--samples", "300", "--steps", "6",
                "--folds", folds, "--workers", workers)
            Self.expectPositive("samplesPerSecond", "stepMilliseconds", in: figures)
            return figures["weightsDigest"] as? String
        }
        #expect(digests[0] != nil && digests[0] == digests[1])
    }

    @Test func kernels() throws {
        let figures = try Self.figures("kernels", "--classes", "64", "--dimension", "128")
        Self.expectPositive("float32Gflops", "memoryGBPerSecond", in: figures)
        if figures["bfloat16Gflops"] is NSNull {
            #expect((figures["bfloat16Missing"] as? String)?.contains("avx512_core_bf16") == true)
        } else {
            Self.expectPositive("bfloat16Gflops", in: figures)
        }
    }

    @Test func validation() throws {
        let figures = try Self.figures(
            "validation", "--classes", "20", "--dimension", "12", "--samples", "1000", "--threads", "2")
        Self.expectPositive("seconds", "samplesPerSecond", "gflops", in: figures)
    }

    @Test(arguments: [["gain", "--classes", "1"], ["gain", "--threads", "0"], ["validation", "--samples", "-5"]])
    func shapesThatMakeNoSense(arguments: [String]) throws {
        #expect(try Program.run(["bench"] + arguments).status == 2)
    }
}
