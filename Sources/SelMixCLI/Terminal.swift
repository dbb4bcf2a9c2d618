import Foundation
import Runtime
import Synchronization

/// The whole screen of a terminal, given back as it was found.
final class Terminal: Sendable {
    private let before: termios
    private let isOpen = Mutex(true)

    /// - Returns: nil where standard input or output is no terminal.
    init?() {
        var mode = termios()
        guard isatty(0) == 1, isatty(1) == 1, tcgetattr(0, &mode) == 0 else { return nil }
        before = mode
        // Keys come one by one and are not shown; Ctrl-C is still a signal.
        mode.c_lflag &= ~tcflag_t(ECHO | ICANON)
        tcsetattr(0, TCSANOW, &mode)
        // The other screen, without a cursor.
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Leaves the screen; again does nothing.
    func close() {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard wasOpen else { return }
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
        var mode = before
        tcsetattr(0, TCSANOW, &mode)
    }

    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Fills the screen with the beginning of these lines, cut where they do not fit.
    func show(_ lines: [String]) {
        let (columns, rows) = size
        let shown = lines.prefix(rows).map { String($0.prefix(columns)) + "\u{1B}[K" }
        isOpen.withLock { isOpen in
            if isOpen { Self.write("\u{1B}[H" + shown.joined(separator: "\n") + "\u{1B}[J") }
        }
    }

    private static func write(_ text: String) { StandardOutput.write(text) }
}
