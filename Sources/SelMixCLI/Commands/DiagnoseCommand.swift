import ArgumentParser

struct DiagnoseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diagnose", abstract: "Looks into what a run relies on.",
        subcommands: [DiagnoseGainCommand.self])
}
