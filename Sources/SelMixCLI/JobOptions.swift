import ArgumentParser
import Foundation
import Runtime

/// What every command that reads a job file takes.
struct JobOptions: ParsableArguments {
    @Argument(help: "The job file (YAML).", completion: .file(extensions: ["yaml", "yml"]))
    var job: String

    @Option(
        name: .customLong("set"), parsing: .singleValue, help: "Overrides a setting of the job file: key.path=value.")
    var overrides: [String] = []

    /// - Parameter head: a .safetensors file with `weight` and, unless it has none, `bias`, in place of the job file's head.
    func load(head: String? = nil) throws -> Job {
        var job = try JobFile.load(job, overrides: overrides)
        if let head { job.head = try HeadFiles(inFile: URL(fileURLWithPath: head).path) }
        return job
    }
}

/// How a command reports.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print exactly one JSON object on standard output.")
    var json = false

    @Flag(help: "No progress, only errors and the result.")
    var quiet = false
}
