import ArgumentParser
import Common
import Coordination
import Foundation
import Runtime

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Works for a coordinator until it is let go.")

    @Option(help: "The coordinator's address, as given to its --bind.")
    var connect: String
    @Option(help: "The coordinator's address for tensors, if not the next port.")
    var connectBulk: String?
    @Option(help: "This worker's name; by default its key's, or else host and process id.")
    var name: String?
    @OptionGroup var access: AccessOptions
    @OptionGroup var storage: StorageOptions
    @Option(help: "Seconds to wait for a coordinator that cannot be reached.")
    var patience: Double = 60
    @Option(help: "Compute on this one of the processors that this worker may run on, from 0; by default on any.")
    var core: Int?
    @OptionGroup var logging: LogOptions
    @Flag(help: .hidden)
    var exitWithParent = false

    func validate() throws {
        if let name, !WorkerName.isValid(name) { throw ValidationError("--name must be \(WorkerName.rule)") }
        if patience < 3 { throw ValidationError("--patience is \(patience); it must be at least 3 seconds") }
    }

    func run() async throws {
        if exitWithParent { try Lifeline.attach(address: connect, keys: access.keys) }
        let bulk = try connectBulk ?? Endpoint.bulk(besides: connect)
        let identity = try access.access.worker(named: name, connectingTo: [connect, bulk])
        let log = logging.logger("selmix.worker", fields: ["worker": identity.name])
        let worker = try WorkerShell(
            .init(
                controlAddress: connect, bulkAddress: bulk,
                name: identity.name,
                timing: try Timing(failureTimeout: .seconds(2), orphanTimeout: .seconds(patience)),
                security: identity.security, data: storage.storage, core: core), log: log)
        let signals = StopSignals(onStop: worker.stopper)
        try worker.run()
        withExtendedLifetime(signals) {}
    }
}
