/// Who is to be started again, and when: every decision of a launcher about its hosts and their workers, as a value.
///
/// A host is connected to, or a start of it is awaited; a worker runs, or a start of it is awaited, or it is over. A host
/// that is lost takes its workers along, and they are started when it is back. Waits grow with failures
/// (``RestartBackoff``). Hosts are tried for as long as the run lasts: whether a run may wait for them is the
/// coordinator's decision. A worker is over when it ended in peace, when another start would end the same way, or when it
/// has failed too often in a row.
public struct LaunchSupervisor: Sendable {
    /// Failures in a row after which a worker is not started again.
    public static let mostFailures = 10

    public enum Event: Sendable, Equatable {
        case connected(host: String)
        case disconnected(host: String, reason: String)
        /// The host's scheduler or administrator ends it; its workers hand over and leave.
        case leaving(host: String, reason: String)
        case workerEnded(String, WorkerEnd)
        case tick
    }

    public enum Directive: Sendable, Equatable {
        case connect(host: String)
        case start(worker: String, host: String)
        /// A line for people.
        case tell(String)
        /// No worker is left and none will be started; `left` if their hosts were told to leave.
        case gone(reason: String, left: Bool)
    }

    private struct Host {
        var isConnected = true
        var since: Instant
        var nextAttempt: Instant?
        var backoff = RestartBackoff()
        var leavingReason: String?
    }

    private struct Worker {
        var host: String
        var runsSince: Instant?
        var nextStart: Instant?
        var backoff = RestartBackoff()
        var isOver = false
    }

    private var hosts: [String: Host] = [:]
    private var workers: [String: Worker] = [:]
    /// In the order of the host file, which is the order of starts.
    private let order: [String]
    private var lastComplaint: String?
    private var goneTold = false

    /// All hosts are connected, and no worker has been started.
    public init(workers placed: [(worker: String, host: String)], at now: Instant) {
        order = placed.map(\.worker)
        for (worker, host) in placed {
            hosts[host] = Host(since: now)
            workers[worker] = Worker(host: host)
        }
    }

    /// Handles one event.
    ///
    /// - Returns: what to do, in order.
    public mutating func step(_ event: Event, at now: Instant) -> [Directive] {
        var directives: [Directive] = []
        switch event {
        case .connected(let host):
            hosts[host]?.isConnected = true
            hosts[host]?.since = now
            hosts[host]?.nextAttempt = nil
            directives.append(.tell("\(host) is back"))
        case .disconnected(let host, let reason):
            onDisconnected(host, reason, at: now, &directives)
        case .leaving(let host, let reason):
            hosts[host]?.leavingReason = reason
            directives.append(.tell("\(host) is leaving: \(reason)"))
        case .workerEnded(let name, let end):
            onWorkerEnded(name, end, at: now, &directives)
        case .tick:
            break
        }
        startDue(at: now, &directives)
        tellIfGone(&directives)
        return directives
    }

    /// When a tick is due even if nothing else happens.
    public var nextDeadline: Instant? {
        (hosts.values.compactMap(\.nextAttempt) + workers.values.compactMap(\.nextStart)).min()
    }

    private mutating func onDisconnected(
        _ name: String, _ reason: String, at now: Instant, _ directives: inout [Directive]
    ) {
        guard var host = hosts[name] else { return }
        let isOver = host.leavingReason != nil
        for worker in order where workers[worker]!.host == name {
            workers[worker]!.runsSince = nil
            workers[worker]!.nextStart = nil
            if isOver { workers[worker]!.isOver = true }
        }
        // There is nothing to come back for when all its workers are over.
        if !isOver, workers.values.contains(where: { $0.host == name && !$0.isOver }) {
            let delay = host.backoff.delay(afterUptime: host.isConnected ? now - host.since : .zero)
            host.nextAttempt = now + delay
            lastComplaint = "\(name): \(reason)"
            let what = host.isConnected ? "lost \(name)" : "\(name) is not back"
            directives.append(.tell("\(what) (\(reason)); trying again in \(delay.told)"))
        }
        host.isConnected = false
        hosts[name] = host
    }

    private mutating func onWorkerEnded(
        _ name: String, _ end: WorkerEnd, at now: Instant, _ directives: inout [Directive]
    ) {
        // One whose host has been given up meanwhile is already counted out.
        guard var worker = workers[name], let since = worker.runsSince else { return }
        worker.runsSince = nil
        let delay = worker.backoff.delay(afterUptime: now - since)
        if end.isPeaceful || hosts[worker.host]?.leavingReason != nil {
            worker.isOver = true
        } else if end.isFinal || worker.backoff.failures >= Self.mostFailures {
            worker.isOver = true
            lastComplaint = end.told(of: name)
            let why = end.isFinal ? "" : " for the \(worker.backoff.failures)th time in a row"
            directives.append(.tell("\(end.told(of: name))\(why); it is left out"))
        } else {
            worker.nextStart = now + delay
            lastComplaint = end.told(of: name)
            directives.append(.tell("\(end.told(of: name)); starting it again in \(delay.told)"))
        }
        workers[name] = worker
    }

    private mutating func startDue(at now: Instant, _ directives: inout [Directive]) {
        for name in hosts.keys.sorted() {
            guard let attempt = hosts[name]!.nextAttempt, now >= attempt else { continue }
            hosts[name]!.nextAttempt = nil
            directives.append(.connect(host: name))
        }
        for name in order {
            let worker = workers[name]!
            guard !worker.isOver, worker.runsSince == nil, let host = hosts[worker.host], host.isConnected,
                host.leavingReason == nil, now >= worker.nextStart ?? now
            else { continue }
            workers[name]!.nextStart = nil
            workers[name]!.runsSince = now
            directives.append(.start(worker: name, host: worker.host))
        }
    }

    private mutating func tellIfGone(_ directives: inout [Directive]) {
        guard !goneTold, workers.values.allSatisfy(\.isOver) else { return }
        goneTold = true
        let left = hosts.values.compactMap(\.leavingReason).sorted().first
        directives.append(.gone(reason: left ?? lastComplaint ?? "all workers have left", left: left != nil))
    }
}
