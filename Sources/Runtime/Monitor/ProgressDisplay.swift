import Common
import Coordination
import Foundation
import Logging

/// The progress of a run on standard error: a bar that is redrawn on a terminal, a line a round elsewhere.
public final class ProgressDisplay {
    public enum Style: Sendable {
        case bar
        case lines
        case quiet
        /// As entries of a log.
        case log(Logger)

        /// What suits standard error.
        public static func automatic(quiet: Bool) -> Style {
            if quiet { return .quiet }
            return isatty(2) == 1 ? .bar : .lines
        }

        var isQuiet: Bool { if case .quiet = self { true } else { false } }
        fileprivate var isBar: Bool { if case .bar = self { true } else { false } }
        fileprivate var isLines: Bool { if case .lines = self { true } else { false } }
        var isLog: Bool { if case .log = self { true } else { false } }

        /// A line from somewhere else, such as a worker; one that is an entry of a log already stays as it is.
        func tell(_ line: String, of name: String? = nil) {
            let text = (name.map { "\($0): \(line)" } ?? line).printable
            switch self {
            case .quiet: break
            case .log(let log) where !(line.hasPrefix("{") && line.hasSuffix("}") && line.isPrintable):
                log.info("\(line)", metadata: name.map { ["worker": "\($0)"] })
            case .log: StandardError.line(line)
            case .bar, .lines: StandardError.line(text)
            }
        }
    }

    private let style: Style
    private var drawn = false
    private var lastDrawn = Instant.origin

    public init(_ style: Style) { self.style = style }

    /// Shows where the run is; redraws at most ten times a second.
    func show(_ progress: RunProgress, at now: Instant) {
        guard style.isBar, now - lastDrawn >= .milliseconds(100) else { return }
        lastDrawn = now
        write("\r\u{1B}[K" + bar(progress, at: now, columns: columns))
        drawn = true
    }

    /// A line for who watches a terminal, before the bar is there.
    func announce(_ line: String) {
        switch style {
        case .bar: write(line + "\n")
        case .log(let log): log.info("\(line)")
        case .lines, .quiet: break
        }
    }

    /// A line that stays, above the bar.
    func note(_ line: String, _ progress: RunProgress, at now: Instant) {
        if case .log(let log) = style { log.notice("\(line)", metadata: fields(progress)) }
        guard !style.isQuiet, !style.isLog else { return }
        // Names and reasons come from other machines.
        write((drawn ? "\r\u{1B}[K" : "") + entry(line.printable, .notice) + "\n")
        if drawn { write(bar(progress, at: now, columns: columns)) }
    }

    func roundEnded(_ progress: RunProgress, at now: Instant) {
        guard style.isLog || style.isLines else { return }
        // A line a second is enough for a log, except for the end.
        guard now - lastDrawn >= .seconds(1) || progress.round >= progress.rounds else { return }
        lastDrawn = now
        if case .log(let log) = style {
            log.info("\(figures(progress, at: now).joined(separator: ", "))", metadata: fields(progress))
            return
        }
        write(entry(figures(progress, at: now).joined(separator: "  "), .info) + "\n")
    }

    /// A line as it is written: where nobody watches, it is read later, and has the time and the level of a log's text.
    private func entry(_ line: String, _ level: Logger.Level) -> String {
        style.isLines ? "\(LogTime.now) \(level) selmix: \(line)" : line
    }

    /// Removes the bar.
    public func close() {
        if drawn { write("\r\u{1B}[K") }
        drawn = false
    }

    private func fields(_ progress: RunProgress) -> Logger.Metadata {
        var fields: Logger.Metadata = ["round": "\(progress.round)", "step": "\(progress.stepsDone)"]
        if let current = progress.current { fields["objective"] = "\(current)" }
        return fields
    }

    private func bar(_ progress: RunProgress, at now: Instant, columns: Int) -> String {
        let text = figures(progress, at: now).joined(separator: "  ")
        let room = columns - text.count - 4
        guard room >= 8 else { return String(text.prefix(columns - 1)) }
        let width = min(room, 30)
        let filled = progress.steps == 0 ? 0 : width * progress.stepsDone / progress.steps
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "]  "
            + text
    }

    private func figures(_ progress: RunProgress, at now: Instant) -> [String] {
        var parts = ["round \(min(progress.round, progress.rounds))/\(progress.rounds)"]
        if let current = progress.current, let best = progress.best {
            parts.append(
                String(format: "%@ %.4f (best %.4f)", progress.objective, current, best))
        }
        let speed = progress.samplesPerSecond(at: now)
        if speed > 0 { parts.append("\(Int(saturating: speed)) samples/s") }
        let workers = progress.readyWorkers.count
        parts.append("\(workers) worker\(workers == 1 ? "" : "s")")
        if let remaining = progress.remaining(at: now), progress.stepsDone < progress.steps {
            parts.append("\(remaining.short) left")
        }
        return parts
    }

    private var columns: Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private func write(_ text: String) { StandardError.write(text) }
}
