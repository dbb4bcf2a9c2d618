import ArgumentParser
import Common
import Foundation
import Runtime
import Training

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Writes a job file for data files, by the names and shapes of their tensors.",
        discussion: """
            Splits are told by the words train, val or validation, test and unlabeled in file or tensor names; features are \
            matrices, labels integer vectors, the head a matrix and a vector that belong to no split. Nothing is overwritten.
            """)

    @Argument(
        help: "The .safetensors and .npy files of the data and of the head.",
        completion: .file(extensions: ["safetensors", "npy"]))
    var files: [String]
    @Option(help: "The job file to write.", completion: .file(extensions: ["yaml"]))
    var output = "job.yaml"
    @Option(help: "What is to be maximised.")
    var objective = "min-recall"

    func run() throws {
        guard !FileManager.default.fileExists(atPath: output) else {
            throw SelMixError(.failed, "\(output) is there already", hint: "choose another --output, or remove it")
        }
        let text = try JobGuess(files: files, jobPath: output).draft(objective: objective).text
        try AtomicFile.write(to: output) { sink in try Array(text.utf8).withUnsafeBytes { try sink.write($0) } }
        print("wrote \(output); look at it, then: selmix data describe \(output), selmix train \(output)")
    }
}
