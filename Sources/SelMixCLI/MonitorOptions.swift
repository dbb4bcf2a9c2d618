import ArgumentParser
import HTTP
import Runtime

/// Where a run can be watched.
struct MonitorOptions: ParsableArguments {
    @Option(help: "Where to serve the run's status: HOST:PORT (port 0: any free one), or off.")
    var http = "127.0.0.1:0"

    @Option(
        help: ArgumentHelp(
            "A file with the token that reading over HTTP needs; made if it is not there.",
            discussion:
                "Without it a token is needed beyond the loopback interface only, and lies in the output directory."),
        completion: .file())
    var httpTokenFile: String?

    func options() throws -> MonitorServer.Options? {
        http == "off" ? nil : .init(address: try ListenAddress(parsing: http), tokenFile: httpTokenFile)
    }
}
