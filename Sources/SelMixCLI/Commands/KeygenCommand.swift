import ArgumentParser
import Foundation
import Runtime

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes the keys with which a coordinator and its workers know each other.",
        discussion: """
            DIR/coordinator.public goes to every worker, DIR/workers/NAME.secret to worker NAME alone, in directories of the same
            layout. The rest stays with the coordinator: the files DIR/workers/*.public are the list of who may join. Workers
            NAME/0, NAME/1 and so on share the key NAME. Called again, it adds workers; nothing is overwritten.
            """)

    @Argument(help: ArgumentHelp("Where the keys go.", valueName: "dir"), completion: .directory)
    var directory: String
    @Argument(help: "The workers' names.")
    var names: [String] = []

    func run() throws {
        let directory = KeyDirectory(path: URL(fileURLWithPath: directory).path)
        for path in try directory.create(workers: names) { print(path) }
    }
}
