import Common
import Coordination
import Foundation
import Logging
import Messaging

/// The far end of a launch: one process a host, which looks whether the host can take part, starts workers and tells how
/// they do.
///
/// It is told what to do over its standard input and answers over its standard output (``AgentLine``), so whatever can
/// start a command there (ssh, srun) is enough. When its input closes, or no ping comes for as long as it is told to wait,
/// the launcher is gone: it kills its workers and ends. When it is killed itself, their inputs close and they end.
public final class HostAgent {
    private enum Event: Sendable {
        case order(AgentOrder)
        case inputClosed
        case checked(HostFindings)
        case line(worker: String, String)
        case started(worker: String, pid_t)
        case ended(worker: String, WorkerEnd)
        case stopSignal(String)
        case tick
    }

    private static let tickInterval = Duration.seconds(1)
    private static let leaveGrace = Duration.seconds(5)
    private static let longestLine = 4096

    private struct Worker {
        var task: Task<Void, Never>
        var processID: pid_t?
    }

    private let program: String
    private let patience: Duration
    private let log: Logger
    private let output: LineWriter
    private let events: AsyncStream<Event>
    private let post: AsyncStream<Event>.Continuation
    private var workers: [String: Worker] = [:]
    private var lastHeard = SystemClock.now
    /// When workers that have not left by themselves are killed.
    private var leaveDeadline: Instant?
    private var isOver = false
    private var keys: HandedKeys?

    /// - Parameters:
    ///   - program: the path of the `selmix` executable that workers run.
    ///   - patience: how long the launcher may be silent.
    public init(program: String, patience: Duration, log: Logger) throws {
        output = try LineWriter()
        self.program = program
        self.patience = patience
        self.log = log
        (events, post) = AsyncStream.makeStream()
    }

    /// Serves its launcher until that is done or gone; no worker is left then.
    public func run() async throws {
        let signals = StopSignals(onStop: { [post] in post.yield(.stopSignal($0)) })
        try Self.readOrders(post)
        let ticks = Ticker.start(every: Self.tickInterval) { [post] in post.yield(.tick) }
        report(.hello(.here(environment: ProcessInfo.processInfo.environment)))
        for await event in events {
            handle(event)
            if isOver { break }
        }
        ticks.cancel()
        for worker in workers.values {
            worker.task.cancel()
            await worker.task.value
        }
        output.finish()
        withExtendedLifetime(signals) {}
    }

    /// On a thread of its own, as reading blocks.
    private static func readOrders(_ post: AsyncStream<Event>.Continuation) throws {
        try SystemThread.start {
            while let line = readLine(strippingNewline: true) {
                if let order: AgentOrder = AgentLine.decode(line) { post.yield(.order(order)) }
            }
            post.yield(.inputClosed)
        }
    }

    private func report(_ report: AgentReport, droppable: Bool = false) {
        output.post(AgentLine.encode(report), droppable: droppable)
    }

    // MARK: Events

    private func handle(_ event: Event) {
        switch event {
        case .order(let order):
            lastHeard = SystemClock.now
            handle(order)
        case .inputClosed:
            // At the end of a run the launcher closes after it has told to leave; otherwise it is gone.
            if leaveDeadline == nil { isOver = true }
        case .checked(let findings): report(.checked(findings))
        case .started(let name, let processID): workers[name]?.processID = processID
        case .line(let name, let text):
            report(.line(worker: name, text: String(text.prefix(Self.longestLine))), droppable: true)
        case .ended(let name, let end):
            workers[name] = nil
            report(.ended(worker: name, end))
            if leaveDeadline != nil, workers.isEmpty { isOver = true }
        case .stopSignal(let name):
            report(.leaving(reason: name))
            for worker in workers.values { if let id = worker.processID { kill(id, SIGTERM) } }
        case .tick: onTick()
        }
    }

    private func handle(_ order: AgentOrder) {
        switch order {
        case .check(let check):
            // Reading all data takes a while, and pings are answered meanwhile.
            do {
                try SystemThread.start { [post] in post.yield(.checked(check.run())) }
            } catch {
                // The launcher waits for an answer, and gets it when its patience is over.
                log.error("the host cannot be checked: \(SelMixError(describing: error))")
                isOver = true
            }
        case .start(let worker): start(worker)
        case .ping(let number): report(.pong(number))
        case .leave:
            leaveDeadline = SystemClock.now + Self.leaveGrace
            if workers.isEmpty { isOver = true }
        }
    }

    private func onTick() {
        let now = SystemClock.now
        if let leaveDeadline {
            if now >= leaveDeadline { isOver = true }
        } else if now >= lastHeard + patience {
            log.error("no word from the launcher for \((now - lastHeard).told); ending the workers here")
            isOver = true
        }
    }

    private func start(_ order: WorkerOrder) {
        guard workers[order.name] == nil else { return }
        var arguments =
            [
                "worker", "--connect", order.control, "--connect-bulk", order.bulk, "--name", order.name,
                "--exit-with-parent",
            ] + order.arguments
        if !order.keys.isEmpty {
            do {
                keys = try keys ?? HandedKeys(order.keys)
                arguments += ["--keys", keys!.path]
            } catch {
                report(
                    .ended(
                        worker: order.name,
                        WorkerEnd(.notStarted, complaint: SelMixError(describing: error).description)))
                return
            }
        } else if order.isInsecure {
            arguments.append("--insecure")
        }
        workers[order.name] = Worker(
            task: Task { [post, program] in
                let end = await WorkerProcess.run(
                    program: program, arguments: arguments, environment: order.environment,
                    onStart: { post.yield(.started(worker: order.name, $0)) },
                    onLine: { post.yield(.line(worker: order.name, $0)) })
                post.yield(.ended(worker: order.name, end))
            })
    }
}
