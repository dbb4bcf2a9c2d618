import ArgumentParser

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Looks at data sets, and makes some up.",
        subcommands: [DataDescribeCommand.self, DataSynthesizeCommand.self])
}
