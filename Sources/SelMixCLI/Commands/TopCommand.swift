import ArgumentParser
import Common
import Dispatch
import Foundation
import Runtime

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "A run, live: health, progress, workers, events. q ends it.")

    @OptionGroup var target: RunOptions
    @Option(help: "Seconds between two looks.")
    var interval = 1.0

    func validate() throws {
        guard (0.1...3600).contains(interval) else { throw ValidationError("--interval is from 0.1 to 3600 seconds") }
    }

    /// Why the screen is drawn anew, or not any more.
    private enum Wake: Sendable {
        case time, resized, quit
    }

    func run() async throws {
        let client = try target.client()
        // What is wrong from the start is told on the ordinary screen.
        _ = try await client.run()
        guard let terminal = Terminal() else {
            throw SelMixError(.usage, "top needs a terminal", hint: "use `selmix status`, also with --json")
        }
        defer { terminal.close() }
        let wakes = AsyncStream<Wake>.makeStream(bufferingPolicy: .bufferingNewest(8))
        let sources = Self.listen(wakes.continuation, interval: interval)
        defer { for source in sources { source.cancel() } }
        var screen = try await look(client)
        terminal.show(screen.lines)
        for await wake in wakes.stream {
            switch wake {
            case .quit: return
            case .time:
                screen = try await look(client)
                if screen.run.state.isOver {
                    terminal.close()
                    print(StatusTable.header(screen.run).joined(separator: "\n"))
                    return
                }
            case .resized: break
            }
            terminal.show(screen.lines)
        }
    }

    private static func listen(_ wakes: AsyncStream<Wake>.Continuation, interval: Double)
        -> [any DispatchSourceProtocol]
    {
        var sources: [any DispatchSourceProtocol] = []
        for (number, wake) in [(SIGINT, Wake.quit), (SIGTERM, .quit), (SIGHUP, .quit), (SIGWINCH, .resized)] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { wakes.yield(wake) }
            sources.append(source)
        }
        let timer = DispatchSource.makeTimerSource()
        timer.schedule(deadline: .now() + interval, repeating: interval)
        timer.setEventHandler { wakes.yield(.time) }
        sources.append(timer)
        let keys = DispatchSource.makeReadSource(fileDescriptor: 0)
        keys.setEventHandler {
            var key: UInt8 = 0
            let count = read(0, &key, 1)
            if count <= 0 || key == UInt8(ascii: "q") || key == UInt8(ascii: "Q") { wakes.yield(.quit) }
        }
        sources.append(keys)
        for source in sources { source.activate() }
        return sources
    }

    private func look(_ client: MonitorClient) async throws -> (run: RunStatus, lines: [String]) {
        let (run, workers) = (try await client.run(), try await client.workers())
        let events = try await client.events(after: 0, limit: 50)
        let told = events.events.reversed().map { "\($0.time.dropFirst(11).prefix(8))  \($0.message)".printable }
        return (run, StatusTable.text(run, workers) + ["", "what happened (q quits)"] + told)
    }
}
