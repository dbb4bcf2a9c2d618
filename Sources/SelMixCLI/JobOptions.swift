import ArgumentParser
import Runtime

/// What every command that reads a job file takes.
struct JobOptions: ParsableArguments {
    @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var job: String

    @Option(
        name: .customLong("set"), parsing: .singleValue, help: "Overrides a setting of the job file: key.path=value.")
    var overrides: [String] = []

    func load() throws -> Job { try JobFile.load(job, overrides: overrides) }
}

/// How a command reports.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress, only errors and the result.")
    var quiet = false
}
