import ArgumentParser
import Common
import Runtime

struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "The first step, tensor and shard where two runs part.",
        discussion: "Exits with 0 when every step that both have left the same weights, with 1 otherwise.")

    @Argument(help: "A run's output directory.", completion: .directory)
    var a: String
    @Argument(help: "Another run's output directory.", completion: .directory)
    var b: String
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    func run() throws {
        let difference = try RunDifference(a, b)
        print(json ? try JSONText.of(difference) : difference.text)
        if difference.firstStep != nil { throw ExitCode(1) }
    }
}
