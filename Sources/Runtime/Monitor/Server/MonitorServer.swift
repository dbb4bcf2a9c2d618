import Common
import Coordination
import Dispatch
import Foundation
import HTTP

/// Serves a run over HTTP while it goes on.
public final class MonitorServer: Sendable {
    /// Where and for whom.
    public struct Options: Sendable {
        public var address: ListenAddress
        /// Nil: a token is made in the output directory, and needed beyond the loopback interface only.
        public var tokenFile: String?

        public init(address: ListenAddress = .loopback, tokenFile: String? = nil) {
            (self.address, self.tokenFile) = (address, tokenFile)
        }
    }

    private let service: HTTPService
    private let rhythm = ScrapeRhythm()
    /// Made and cancelled by the one who owns this; a source is safe to use from any thread.
    private nonisolated(unsafe) let diskWatch: any DispatchSourceTimer

    var url: String { service.url }

    /// Opens the port.
    init(
        _ options: Options, board: SnapshotBoard, output: String, mostConnections: Int,
        drain: @escaping @Sendable (String, String) -> Void
    ) throws {
        let address = options.address
        var token: String?
        if let file = options.tokenFile {
            token = try TokenFile.token(at: file)
        } else if !address.isLoopback {
            token = try TokenFile.token(at: output + "/" + TokenFile.name)
        }
        let statistics = HTTPStatistics()
        var limits = HTTPService.Limits()
        limits.connections = mostConnections
        service = try HTTPService(
            address, limits: limits, statistics: statistics,
            handler: MonitorHandler(
                board: board,
                access: HTTP.Access(isLoopback: address.isLoopback, token: token, names: Self.names),
                statistics: statistics, rhythm: rhythm, drain: drain))
        diskWatch = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
        diskWatch.schedule(deadline: .now(), repeating: .seconds(5))
        diskWatch.setEventHandler { board.outputFreeBytes = DiskSpace.freeBytes(output) }
        diskWatch.activate()
    }

    func start() { service.start() }

    /// Lets streams take the run's last snapshot, and whoever asks for metrics at intervals those of the end.
    ///
    /// - Parameters:
    ///   - end: when the last snapshot was there.
    ///   - patience: for how long the port may stay open for that.
    func stop(since end: Instant, patience: Duration) async {
        if let due = rhythm.nextDue(at: SystemClock.now, limit: patience) {
            while !rhythm.hasAsked(since: end), SystemClock.now < due { try? await Task.sleep(for: .milliseconds(50)) }
        }
        diskWatch.cancel()
        await service.stop(grace: .seconds(1))
    }

    /// What this machine is called by others.
    private static var names: Set<String> {
        let name = ProcessInfo.processInfo.hostName
        return [name, String(name.split(separator: ".").first ?? "")]
    }
}
