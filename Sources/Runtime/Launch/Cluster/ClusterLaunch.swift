import Common
import Coordination
import Foundation
import Logging

/// A whole run across machines: this process coordinates; agents that it starts there by ssh or srun start workers, and end
/// with it.
public struct ClusterLaunch: Sendable {
    public struct Options: Sendable {
        public var hosts: [LaunchHost]
        public var transport: HostTransport
        /// The path of `selmix` on this machine, and on the hosts.
        public var program: String
        public var remoteProgram: String
        /// Whether the program is copied to hosts that do not have these very bytes.
        public var ships: Bool
        /// Where to listen; nil for what suits the hosts.
        public var bind: String?
        /// Whether what goes over the network is left open, instead of encrypted under keys of this run.
        public var isInsecure: Bool
        public var display: ProgressDisplay.Style
        /// Whether an unfinished run in the output directory is taken up.
        public var resumes: Bool
        /// Where the run can be watched; nil: nowhere.
        public var http: MonitorServer.Options?

        public init(
            hosts: [LaunchHost], transport: HostTransport, program: String, remoteProgram: String? = nil,
            ships: Bool = false, bind: String? = nil, isInsecure: Bool = false, display: ProgressDisplay.Style,
            resumes: Bool = false, http: MonitorServer.Options? = nil
        ) {
            self.http = http
            self.hosts = hosts
            self.transport = transport
            self.program = program
            self.remoteProgram = remoteProgram ?? program
            self.ships = ships
            self.bind = bind
            self.isInsecure = isInsecure
            self.display = display
            self.resumes = resumes
        }
    }

    private let options: Options

    public init(_ options: Options) { self.options = options }

    /// Checks the hosts, and runs.
    ///
    /// - Throws: `cluster` when a host cannot take part, after telling for each why; otherwise as the run.
    public func callAsFunction(_ run: PreparedRun, log: Logger) async throws -> RunReport {
        try RunDirectory.check(for: run, resumes: options.resumes)
        return try await withSession(run) { session in
            let statuses = try await session.check()
            try Self.requireFit(statuses)
            return try await session.lead(workers: statuses.map { ($0.host, $0.workers) }, log: log)
        }
    }

    /// Only checks the hosts.
    public func check(_ run: PreparedRun) async throws -> [HostStatus] {
        try await withSession(run) { try await $0.check() }
    }

    /// Whatever happens, no process of the session is left at the end.
    private func withSession<Value: Sendable>(
        _ run: PreparedRun, _ body: (LaunchSession) async throws -> Value
    ) async throws -> Value {
        let session = LaunchSession(options, run: run)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(session))
        } catch {
            result = .failure(error)
        }
        await session.end()
        return try result.get()
    }

    private static func requireFit(_ statuses: [HostStatus]) throws {
        let unfit = statuses.filter { !$0.problems.isEmpty }
        guard !unfit.isEmpty else { return }
        StandardError.write(HostTable.problems(unfit))
        throw SelMixError(
            .cluster,
            unfit.count == 1 && statuses.count == 1
                ? "\(unfit[0].host) cannot take part" : "\(unfit.count) of \(statuses.count) hosts cannot take part",
            hint: "mend what is told above, or take them out of the list of hosts; nothing was started")
    }
}
