import Common
import Coordination
import Foundation

/// One launch as it goes: the links to its hosts, and what has been heard from them. Everything happens on one task, from
/// one stream of events.
final class LaunchSession {
    enum Event: Sendable {
        case shipped(host: String, StartFailure?)
        /// From the n-th link to a host; what older ones still say does not count.
        case link(host: String, number: Int, AgentLink.Event)
        case stop(signal: String)
        case runOver(Result<RunReport, any Error>)
        case tick
    }

    struct Link {
        var link: AgentLink
        var number: Int
        var lastHeard: Instant
        /// The agent has said hello.
        var isUp = false
        var isSilent = false
    }

    /// How long an agent may say nothing, not even answer a ping, before its host counts as lost. Long enough for a machine
    /// that computes with all it has; a run notices lost workers much earlier, by itself.
    static let silence = Duration.seconds(20)
    static let pingInterval = Duration.seconds(2)
    /// From the start of ssh to the first word of the agent.
    static let startPatience = Duration.seconds(60)
    private static let tickInterval = Duration.milliseconds(250)
    private static let endGrace = Duration.seconds(8)

    let options: ClusterLaunch.Options
    let run: PreparedRun
    let post: AsyncStream<Event>.Continuation
    private var events: AsyncStream<Event>.Iterator
    private let signals: StopSignals
    private let ticks: Task<Void, Never>
    var links: [String: Link] = [:]
    var statuses: [String: HostStatus] = [:]
    var facts: [String: HostFacts] = [:]
    var remoteProgram: RemoteProgram
    private var lastPing = SystemClock.now
    private var linkCount = 0
    var packing: SocketDirectory?
    var shipping: [Task<Void, Never>] = []
    var sockets: SocketDirectory?
    var rendezvous: Rendezvous?

    init(_ options: ClusterLaunch.Options, run: PreparedRun) {
        self.options = options
        self.run = run
        remoteProgram = .installed(path: options.remoteProgram)
        let (stream, post) = AsyncStream<Event>.makeStream()
        self.post = post
        events = stream.makeAsyncIterator()
        signals = StopSignals(onStop: { post.yield(.stop(signal: $0)) })
        ticks = Ticker.start(every: Self.tickInterval) { post.yield(.tick) }
    }

    /// The next event; pings are sent and silent links cut on the way.
    func nextEvent() async -> Event {
        guard let event = await events.next() else { preconditionFailure("the stream of events has ended") }
        switch event {
        case .tick: watchLinks()
        case .link(let host, let number, .report):
            if links[host]?.number == number { links[host]?.lastHeard = SystemClock.now }
        default: break
        }
        return event
    }

    func announce(_ line: String) {
        options.display.tell(line)
    }

    // MARK: Links

    func connect(_ host: LaunchHost) {
        linkCount += 1
        let (label, number, post) = (host.label, linkCount, post)
        let command = options.transport.agent(
            on: host, program: remoteProgram, patience: .seconds(run.job.cluster.orphanTimeout))
        links[label] = Link(
            link: AgentLink(command, onEvent: { post.yield(.link(host: label, number: number, $0)) }), number: number,
            lastHeard: SystemClock.now)
    }

    private func watchLinks() {
        let now = SystemClock.now
        let pings = now - lastPing >= Self.pingInterval
        if pings { lastPing = now }
        for (label, link) in links {
            if pings, link.isUp { link.link.send(.ping(UInt64(link.number))) }
            let patience = link.isUp ? Self.silence : Self.startPatience
            if now - link.lastHeard >= patience, !link.isSilent {
                links[label]!.isSilent = true
                link.link.kill()
            }
        }
    }

    /// Takes a link away that has ended.
    ///
    /// - Returns: why it ended; nil for an older link of the host.
    func closed(_ host: String, number: Int, _ failure: StartFailure) -> StartFailure? {
        guard let link = links[host], link.number == number else { return nil }
        links[host] = nil
        guard link.isSilent else { return failure }
        let patience = link.isUp ? Self.silence : Self.startPatience
        return StartFailure(
            reason: "no word from it for \(patience.told)", hint: "check that the host is up, and the network between")
    }

    // MARK: The end

    /// Lets all agents go, and waits until their commands have ended; kills those that take too long.
    func end() async {
        for task in shipping { task.cancel() }
        for task in shipping { await task.value }
        let commands = links.values.map(\.link)
        for command in commands {
            command.send(.leave)
            command.finish()
        }
        let killer = Self.kill(commands, after: Self.endGrace)
        for command in commands { await command.waitUntilClosed() }
        killer.cancel()
        ticks.cancel()
        signals.release()
    }

    private static func kill(_ commands: [AgentLink], after grace: Duration) -> Task<Void, Never> {
        Task {
            try? await Task.sleep(for: grace)
            guard !Task.isCancelled else { return }
            for command in commands { command.kill() }
        }
    }
}
