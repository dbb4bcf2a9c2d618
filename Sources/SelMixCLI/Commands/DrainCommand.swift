import ArgumentParser
import Foundation
import Runtime

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Asks that a worker finishes what it holds and leaves.")

    @Argument(help: "The worker's name.")
    var worker: String
    @OptionGroup var target: RunOptions

    func run() async throws {
        let answer = try await target.client().drain(worker)
        print("\(answer.worker) is \(answer.state)".printable)
    }
}
