import Common
import Coordination
import Foundation
import Logging

// The run itself: this process coordinates, agents start workers, and what is lost is started again.

extension LaunchSession {
    /// - Parameter workers: how many each host gets. Those of a host are called HOST/1, HOST/2 and so on, and share its key.
    func lead(workers: [(host: String, count: Int)], log: Logger) async throws -> RunReport {
        let addresses = try listeningAddresses()
        let keys = rendezvous == nil || options.isInsecure ? nil : try RunKeys(hosts: workers.map(\.host))
        let access = keys.map { Access.keys($0.directory) } ?? (rendezvous == nil ? .local : .anyone)
        let carried = CarriedRun(
            try CoordinatedRun(
                run,
                options: .init(
                    control: addresses.control, bulk: addresses.bulk, display: options.display, tellsWaiting: false,
                    resumes: options.resumes, access: access, http: options.http,
                    workers: workers.reduce(0) { $0 + $1.count }, children: DescriptorBudget.agent * workers.count),
                log: log))
        let shell = carried.value.shell
        let (stopper, workersGone) = (shell.stopper, shell.workersGone)
        let placed = workers.flatMap { host, count in
            (0..<count).map { (worker: "\(host)/\($0 + 1)", host: host) }
        }
        let placements = Dictionary(
            uniqueKeysWithValues: workers.flatMap { host, count in
                (0..<count).map { index in
                    (
                        "\(host)/\(index + 1)",
                        ProcessorPlacement.arguments(
                            worker: index, of: count, processors: facts[host]?.cores ?? 0)
                    )
                }
            })
        var supervisor = LaunchSupervisor(workers: placed, at: SystemClock.now)
        let leading = Task { [post] in post.yield(.runOver(await carried.lead())) }
        defer { leading.cancel() }

        func step(_ event: LaunchSupervisor.Event) {
            for directive in supervisor.step(event, at: SystemClock.now) {
                switch directive {
                case .connect(let label):
                    connect(options.hosts.first { $0.label == label }!)
                case .start(let worker, let host):
                    links[host]?.link.send(
                        .start(order(worker, on: host, placements[worker] ?? [], shell.addresses, keys)))
                case .tell(let line): announce(line)
                case .gone(let reason, let left): left ? stopper(reason) : workersGone(reason)
                }
            }
        }

        step(.tick)
        while true {
            switch await nextEvent() {
            case .link(let host, let number, .report(let report)):
                guard links[host]?.number == number else { continue }
                switch report {
                case .hello:
                    links[host]!.isUp = true
                    step(.connected(host: host))
                case .line(let worker, let text): options.display.tell(text, of: worker)
                case .ended(let worker, let end):
                    // Before it is started again, under the same name.
                    shell.workerEnded(worker, end)
                    step(.workerEnded(worker, end))
                case .leaving(let reason): step(.leaving(host: host, reason: reason))
                case .checked, .pong: break
                }
            case .link(let host, let number, .closed(let failure)):
                if let failure = closed(host, number: number, failure) {
                    step(.disconnected(host: host, reason: failure.reason))
                }
            case .stop(let signal): stopper(signal)
            case .runOver(let result): return try result.get()
            case .tick: step(.tick)
            case .shipped: break
            }
        }
    }

    private func listeningAddresses() throws -> CoordinatorShell.Addresses {
        if let rendezvous {
            return .init(
                control: Rendezvous.endpoint(rendezvous.listensAt, rendezvous.port),
                bulk: Rendezvous.endpoint(rendezvous.listensAt, rendezvous.bulkPort))
        }
        let directory = try SocketDirectory()
        sockets = directory
        return .init(control: directory.address("control"), bulk: directory.address("bulk"))
    }

    private func order(
        _ worker: String, on host: String, _ placement: [String], _ local: CoordinatorShell.Addresses, _ keys: RunKeys?
    ) -> WorkerOrder {
        var order = WorkerOrder(name: worker, control: local.control, bulk: local.bulk)
        if let rendezvous, let address = rendezvous.addresses[host] {
            order.control = Rendezvous.endpoint(address, rendezvous.port)
            order.bulk = Rendezvous.endpoint(address, rendezvous.bulkPort)
        }
        order.keys = keys?.files(for: host) ?? [:]
        order.arguments = placement + (options.display.isLog ? ["--log-format", "json"] : [])
        order.isInsecure = options.isInsecure
        if let level = ProcessInfo.processInfo.environment["SELMIX_LOG"] { order.environment["SELMIX_LOG"] = level }
        return order
    }
}
