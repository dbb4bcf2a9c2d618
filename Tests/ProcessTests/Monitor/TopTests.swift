import Foundation
import Testing

/// `selmix top` in a pseudo-terminal.
@Suite struct TopTests {
    /// A pseudo-terminal with `selmix top` on it.
    private final class Screen {
        let master: Int32
        let slave: FileHandle
        let process = Process()
        private var seen = ""

        init(_ arguments: [String], columns: UInt16, rows: UInt16) throws {
            master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            // TIOCSPTLCK and TIOCGPTN: unlockpt and ptsname are not among what Swift sees of the C library.
            var (lock, number): (Int32, Int32) = (0, -1)
            try #require(
                master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
            slave = try #require(FileHandle(forUpdatingAtPath: "/dev/pts/\(number)"))
            _ = fcntl(master, F_SETFL, O_NONBLOCK)
            resize(columns: columns, rows: rows)
            process.executableURL = URL(fileURLWithPath: Program.path)
            process.arguments = ["top"] + arguments
            process.standardInput = slave
            process.standardOutput = slave
            process.standardError = slave
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            close(master)
        }

        var mode: [UInt32] {
            var mode = termios()
            tcgetattr(slave.fileDescriptor, &mode)
            return [mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag]
        }

        func resize(columns: UInt16, rows: UInt16) {
            var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        }

        func type(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { write(master, $0.baseAddress!, $0.count) } }

        /// Everything shown so far.
        var shown: String {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = read(master, &buffer, buffer.count), count > 0 {
                seen += String(decoding: buffer[..<count], as: UTF8.self)
            }
            return seen
        }

        /// The last whole screen, line by line, without what steers the terminal.
        var lines: [String] {
            let screens = shown.components(separatedBy: "\u{1B}[H")
            guard screens.count > 1, let last = screens.last(where: { $0.contains("\u{1B}[J") }) else { return [] }
            return last.components(separatedBy: "\u{1B}[J")[0].components(separatedBy: "\r\n").map {
                $0.replacingOccurrences(of: "\u{1B}[K", with: "")
            }
        }

        func waitForExit() throws -> Int32 {
            // What it still writes must be taken, or it waits.
            try eventually("top to end") {
                _ = shown
                return !process.isRunning
            }
            return process.terminationStatus
        }
    }

    @Test(arguments: ["q", "SIGINT"])
    func itIsLiveFitsAndGivesTheTerminalBack(way: String) throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 2))
        try eventually("step 20") { run.lastStep >= 20 }
        let screen = try Screen([run.path, "--interval", "0.2"], columns: 100, rows: 20)
        let mode = screen.mode
        try screen.process.run()
        try eventually("the workers on the screen: \(screen.shown)") {
            screen.lines.contains { $0.hasPrefix("local-1") } && screen.lines.contains { $0.hasPrefix("local-2") }
        }
        #expect(screen.shown.contains("\u{1B}[?1049h") && screen.mode != mode)
        #expect(screen.lines.count <= 20 && screen.lines.allSatisfy { $0.count <= 100 })
        let first = try #require(screen.lines.first { $0.hasPrefix("round ") })
        try eventually("progress") { screen.lines.first { $0.hasPrefix("round ") } ?? first != first }

        screen.resize(columns: 30, rows: 6)
        kill(screen.process.processIdentifier, SIGWINCH)
        try eventually("a small screen") {
            !screen.lines.isEmpty && screen.lines.count <= 6 && screen.lines.allSatisfy { $0.count <= 30 }
        }
        if way == "q" { screen.type("q") } else { kill(screen.process.processIdentifier, SIGINT) }
        #expect(try screen.waitForExit() == 0)
        #expect(screen.shown.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
        #expect(screen.mode == mode)
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }

    @Test func whenTheRunEndsTheTerminalIsGivenBackToo() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 1))
        try eventually("step 20") { run.lastStep >= 20 }
        let screen = try Screen([run.path, "--interval", "0.2"], columns: 100, rows: 20)
        let mode = screen.mode
        try screen.process.run()
        try eventually("the worker on the screen") { screen.lines.contains { $0.hasPrefix("local-1") } }
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
        _ = try screen.waitForExit()
        #expect(screen.shown.contains("\u{1B}[?1049l") && screen.mode == mode)
    }

    @Test func withoutATerminalItSaysSo() throws {
        let folder = try TemporaryFolder()
        let run = RunFolder(path: folder.path("run"))
        let train = try RunningProgram(endlessJob(output: run.path, workers: 1))
        try eventually("step 20") { run.lastStep >= 20 }
        let top = try Program.run("top", run.path)
        #expect(top.status == 2 && top.errors.contains("error: top needs a terminal"), "\(top.errors)")
        train.send(SIGINT)
        #expect(train.waitForExit() == 130)
    }
}
