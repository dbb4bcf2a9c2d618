import Common
import Coordination
import Foundation
import SelMix

// What happens before anything is started: every host is asked at the same time what it is and whether it can take part.

extension LaunchSession {
    /// - Returns: a status for each host, in the order of the list.
    /// - Throws: what is wrong on this machine, or `interrupted`.
    func check() async throws -> [HostStatus] {
        for host in options.hosts { statuses[host.label] = HostStatus(host: host.label) }
        try await startAgents()
        place()
        try await examine()
        return options.hosts.map { statuses[$0.label]! }
    }

    private var isFit: (LaunchHost) -> Bool { { self.statuses[$0.label]!.problems.isEmpty } }

    // MARK: Agents

    private func startAgents() async throws {
        var awaited = Set(options.hosts.map(\.label))
        if options.ships, case .ssh(let ssh) = options.transport {
            try await ship(over: ssh)
        } else {
            for host in options.hosts { connect(host) }
        }
        while !awaited.isEmpty {
            switch await nextEvent() {
            case .shipped(let host, let failure):
                if let failure {
                    statuses[host]!.add(failure.reason, hint: failure.hint)
                    awaited.remove(host)
                } else {
                    connect(options.hosts.first { $0.label == host }!)
                }
            case .link(let host, let number, .report(.hello(let found))):
                guard links[host]?.number == number else { continue }
                links[host]!.isUp = true
                facts[host] = found
                statuses[host]!.take(found, now: Date().timeIntervalSince1970)
                awaited.remove(host)
            case .link(let host, let number, .closed(let failure)):
                guard let failure = closed(host, number: number, failure) else { continue }
                let reason = facts[host] == nil ? failure.reason : Self.lost(failure)
                statuses[host]!.add(reason, hint: failure.hint)
                awaited.remove(host)
            case .stop(let signal): throw Self.interrupted(signal)
            default: break
            }
        }
    }

    private func ship(over ssh: SSHSettings) async throws {
        let directory = try SocketDirectory()
        packing = directory
        let shipment = try await Shipment(program: options.program, in: directory.path)
        remoteProgram = .shipped(shipment.name, local: options.program)
        for host in options.hosts {
            if host.isThisMachine {
                post.yield(.shipped(host: host.label, nil))
                continue
            }
            let announce: @Sendable (String) -> Void = { [display = options.display] line in
                display.tell(line)
            }
            shipping.append(Self.ship(shipment, to: host, over: ssh, announce: announce, post: post))
        }
    }

    private static func ship(
        _ shipment: Shipment, to host: LaunchHost, over ssh: SSHSettings,
        announce: @escaping @Sendable (String) -> Void, post: AsyncStream<Event>.Continuation
    ) -> Task<Void, Never> {
        Task { post.yield(.shipped(host: host.label, await shipment.send(to: host, ssh, announce: announce))) }
    }

    /// Deals workers to the hosts that can take part so far.
    private func place() {
        let hosts = options.hosts.filter(isFit)
        let workers = WorkerPlacement.workers(
            hosts.map { ($0.slots, facts[$0.label]!.cores) }, shards: run.job.cluster.shards)
        for (host, count) in zip(hosts, workers) { statuses[host.label]!.workers = count }
    }

    // MARK: Data and network

    private func examine() async throws {
        let hosts = options.hosts.filter(isFit)
        guard !hosts.isEmpty else { return }
        var isLocal: (LaunchHost) -> Bool = { _ in false }
        if case .ssh = options.transport { isLocal = \.isThisMachine }
        var found = try Rendezvous(
            bind: options.bind,
            seen: hosts.map { ($0.label, isLocal($0) ? "" : facts[$0.label]!.launcherAddress) },
            own: OwnAddresses.all())
        var listeners: [ProbeListener] = []
        defer { for listener in listeners { listener.stop() } }
        if let wanted = found {
            let word = "selmix launch \(UInt64.random(in: .min ... .max).hexadecimal)\n"
            for port in [wanted.port, wanted.bulkPort] {
                listeners.append(try ProbeListener(host: wanted.listensAt, port: port, word: word))
            }
            (found!.port, found!.bulkPort) = (listeners[0].port, listeners[1].port)
        }
        rendezvous = found
        let claims = run.job.cluster.staging == .always ? [] : try run.job.tensorClaims()
        for host in hosts {
            let probes = listeners.map {
                ProbeAddress(host: found!.addresses[host.label]!, port: $0.port, word: $0.word)
            }
            links[host.label]!.link.send(
                .check(HostCheck(instructionSet: run.instructionSet, tensors: claims, probes: probes)))
        }
        try await awaitFindings(of: Set(hosts.map(\.label)))
    }

    private func awaitFindings(of hosts: Set<String>) async throws {
        var awaited = hosts
        while !awaited.isEmpty {
            switch await nextEvent() {
            case .link(let host, _, .report(.checked(let findings))):
                statuses[host]!.take(
                    findings, instructionSet: run.instructionSet, libraryHere: InstructionSet.libraryVersion,
                    probe: run.probe.rawValue, fetches: run.job.cluster.staging != .never)
                awaited.remove(host)
            case .link(let host, let number, .closed(let failure)):
                guard let failure = closed(host, number: number, failure) else { continue }
                statuses[host]!.add(Self.lost(failure), hint: failure.hint)
                awaited.remove(host)
            case .stop(let signal): throw Self.interrupted(signal)
            default: break
            }
        }
    }

    private static func lost(_ failure: StartFailure) -> String {
        "it was lost while it was checked: \(failure.reason)"
    }

    private static func interrupted(_ signal: String) -> SelMixError {
        SelMixError(.interrupted, "the launch was interrupted (\(signal)) before anything was started")
    }
}
