import ArgumentParser
import Runtime

extension BenchCommand {
    struct Kernels: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What one core can do at most: matrix products in float32 and bfloat16, and memory.")

        @Option(help: "K.")
        var classes = 1000
        @Option(help: "d.")
        var dimension = 2048
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws { try BenchCommand.checkShape(classes: classes, dimension: dimension) }

        func run() throws {
            let result = try KernelsBench(classes: classes, dimension: dimension)
            if json { return print(try JSONText.of(result)) }
            let bfloat16 = result.bfloat16Gflops.map { "\(Int($0)) GFLOP/s" } ?? result.bfloat16Missing ?? ""
            print("float32   \(Int(result.float32Gflops)) GFLOP/s")
            print("bfloat16  \(bfloat16)")
            print("memory    \(BenchCommand.rounded(result.memoryGBPerSecond, 1)) GB/s")
            print("of one core, \(result.instructionSet), \(result.matrixLibrary)")
        }
    }
}
